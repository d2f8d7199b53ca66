"""Forums' own software: what its messages say, and its API for carrying decisions out. Its HTTP."""
