"""How alike policies represent the same states, beside chance, nulls and outliers."""
