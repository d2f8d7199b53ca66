"""The service on this machine: servers, processes, and the supervisor that keeps them alive."""
