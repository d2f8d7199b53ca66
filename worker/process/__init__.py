"""A worker as a process: turns between its duties, its pulse, its logs, its end with its parent."""
