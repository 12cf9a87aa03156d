"""What a decision loses without the background's subspace."""
