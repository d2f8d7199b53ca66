"""A real Askbot and the service, side by side on this machine: to look at, and for the tests."""
