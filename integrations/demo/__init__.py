"""Runs a real Askbot and the service together on this machine, as a demo and for the tests."""
