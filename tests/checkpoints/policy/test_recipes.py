"""What a method is, by its recipe and not by how its name ends."""

import pytest

from checkpoints.policy.recipes import METHODS, is_distilled, is_strength


def test_peers_that_learn_from_each_other():
    assert {name for name in METHODS if is_distilled(name)} == {"mutual"}
    assert is_distilled("mutual-bg4") and is_distilled("mutual-split32")
    assert not is_distilled("untrained")


def test_another_strength_of_a_method():
    found = {name for name in METHODS if is_strength(name)}
    kinds = ("ppo-l2", "ppo-dropout")
    assert found == {f"{kind}-{end}" for kind in kinds for end in ("weak", "strong")}
    assert is_strength("ppo-l2-weak-bg9")


@pytest.mark.parametrize("method", ["untrained", "my-own", "my-own-weak"])
def test_a_method_of_somebody_else_is_no_strength(method):
    assert not is_strength(method)
