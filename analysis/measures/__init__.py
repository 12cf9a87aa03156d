"""Measures as pure functions of arrays."""
