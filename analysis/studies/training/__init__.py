"""What moves when during training."""
