"""Uncertainty: over levels, over few runs, between two methods, at a declared look."""
