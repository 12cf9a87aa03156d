"""Tables: their columns, how they are written and read, and how a command runs."""
