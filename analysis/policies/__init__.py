"""Policies under examination: which, and what goes on inside them."""
