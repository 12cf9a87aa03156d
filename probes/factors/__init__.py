"""What is true of a state, game by game.

:mod:`probes.factors.frame` says what a factor is and what it reads from, a view of one state;
:mod:`probes.factors.general` makes those that mean the same in several games. Each game has a file
with one ``SHEET``: the names of its entity types and grid cells, its marks and its factors.
"""
