"""Uploads of archives: how they are asked for, their slots, and the process that reads them."""
