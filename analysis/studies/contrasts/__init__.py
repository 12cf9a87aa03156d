"""Methods compared over their runs."""
