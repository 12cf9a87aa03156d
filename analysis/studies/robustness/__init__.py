"""How far decisions move when only the picture does."""
