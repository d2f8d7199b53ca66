"""Small models for tests, and questions to train them with."""
