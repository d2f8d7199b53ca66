"""What moderators look at: the queue, its entries, claims, and the figures of Insight."""
