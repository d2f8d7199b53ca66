"""A worker as a process: turns of its duties, its pulse, pace and logs, its end with its parent."""
