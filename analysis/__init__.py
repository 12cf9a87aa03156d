"""States, twins, features and measures: from a policy file to a tidy table."""
