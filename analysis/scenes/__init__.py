"""What policies are shown: states, their twins, other pictures, episodes."""
