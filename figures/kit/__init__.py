"""What figures share: one look, how rows are read, panels of a varied setting."""
