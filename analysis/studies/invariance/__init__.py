"""What of a layer stays on another background."""
