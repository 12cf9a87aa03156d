"""What a method is, by its recipe and not by how its name ends; its number of backgrounds."""

from dataclasses import replace

import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import (
    METHODS,
    Recipe,
    from_dict,
    get_recipe,
    is_distilled,
    is_strength,
)


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


def test_a_recipe_carries_its_backgrounds_through_json():
    assert from_dict({"backgrounds": [0, 3]}) == Recipe(backgrounds=(0, 3))
    for wrong in ([0, "3"], 3, [True]):
        with pytest.raises(UserError, match="setting 'backgrounds': expected tuple"):
            from_dict({"backgrounds": wrong})


def test_a_method_names_its_number_of_backgrounds():
    recipe = get_recipe("mutual-bg4", "starpilot")
    assert recipe == replace(get_recipe("mutual"), backgrounds=(0, 4, 8, 12))
    assert get_recipe("ppo-l2-bg1", "starpilot").l2 > 0
    assert str(parse_id("starpilot/ppo-bg9/0")) == "starpilot/ppo-bg9/0"
    with pytest.raises(UserError, match="starpilot: expected 1 to 13 backgrounds, got 14"):
        get_recipe("ppo-bg14", "starpilot")
    for wrong, named in (("ppo-bg0", "ppo-bg0"), ("ppo-bg", "ppo-bg"), ("pppo-bg4", "pppo")):
        with pytest.raises(UserError, match=f"unknown method '{named}'; expected one of"):
            get_recipe(wrong, "starpilot")
