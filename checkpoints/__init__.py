"""Everything a policy needs to exist: world, body, training, recipe, file."""
