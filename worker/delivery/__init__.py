"""What goes out: webhooks, signed, to addresses that may be called."""
