"""What is known of the games: which backgrounds a number of them stands for."""

from itertools import pairwise

from checkpoints.world.games import GAMES, first_backgrounds, spread


def test_a_number_of_backgrounds_is_spread_over_all_and_holds_the_smaller_numbers():
    assert first_backgrounds("starpilot", 4) == (0, 4, 8, 12)
    assert first_backgrounds("starpilot", 9) == (0, 1, 2, 4, 6, 8, 9, 10, 12)
    assert first_backgrounds("chaser", 1) == (0,)
    for game, facts in GAMES.items():
        chosen = [set(first_backgrounds(game, k)) for k in range(1, facts.backgrounds + 1)]
        assert all(few < more for few, more in pairwise(chosen))
        assert [len(some) for some in chosen] == list(range(1, facts.backgrounds + 1))
    assert spread(range(13), 4) == (0, 3, 6, 9)
