"""A policy: its recipe, its id, its network, its file."""
