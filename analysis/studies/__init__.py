"""What each command does: its schema beside the function that makes its rows."""
