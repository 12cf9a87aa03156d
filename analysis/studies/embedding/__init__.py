"""Joint pictures of policies, and how far to believe them."""
