"""Procgen: its games, their states byte by byte, environments, and the same state drawn again."""
