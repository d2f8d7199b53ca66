"""Forums' own software: reading its messages, and calling its API to carry out decisions."""
