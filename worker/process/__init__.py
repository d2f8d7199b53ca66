"""A worker as a process: turns, pulse, pace and logs, and its end with its parent."""
