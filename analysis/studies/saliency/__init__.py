"""Where decisions look, scored on exact masks."""
