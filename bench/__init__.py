"""Measurements of the service, compared with its alternatives; `make bench` runs them all."""
