"""A declared sample at its looks."""
