"""A worker as a process: turns, pulse, pace, logs, traces, and the end with its parent."""
