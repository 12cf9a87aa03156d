"""Runs: their folder, their study, how they train, stop, go on and are packed."""
