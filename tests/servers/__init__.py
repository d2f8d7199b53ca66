"""Servers, processes, browsers and disks that tests start or use."""
