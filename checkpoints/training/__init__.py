"""A group of peers that learns: what it collects, what it minimises."""
