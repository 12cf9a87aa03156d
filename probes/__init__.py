"""What a linear reader finds in a layer."""
