"""The one way in and out: how files are read and written, and what numbers may be."""
