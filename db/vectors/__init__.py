"""Models, their partitions, and the vectors in them."""
