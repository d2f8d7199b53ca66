"""The routes of `/v1`, one module for each resource, and those that every server has."""
