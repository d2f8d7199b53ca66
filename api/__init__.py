"""The HTTP service and the moderators' console."""
