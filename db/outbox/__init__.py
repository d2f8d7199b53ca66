"""What goes out: events, and webhooks with their deliveries."""
