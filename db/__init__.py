"""Postgres, and nothing else knows SQL."""
