"""The worker: from texts to vectors, candidates and flagged pairs."""
