"""Metrics for Prometheus: of this process, of the workers, and of the database."""
