"""A file a figure: its ``draw`` takes tables and gives what ``python -m figures`` saves."""
