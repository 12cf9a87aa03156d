"""What each command of this package does, behind its settings."""
