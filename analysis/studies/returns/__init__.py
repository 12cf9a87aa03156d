"""What policies earn, and the scores of methods."""
