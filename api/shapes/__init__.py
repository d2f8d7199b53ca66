"""What goes in and out: bodies, answers made of rows, and the sealed id of a check. No I/O."""
