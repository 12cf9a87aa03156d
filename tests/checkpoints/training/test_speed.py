"""How fast each precision is here, and when the other one is recommended."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from checkpoints.policy.ids import parse_id
from checkpoints.policy.recipes import Recipe
from checkpoints.runs.listing import Rates
from checkpoints.runs.study import Planned
from checkpoints.training import speed

RECIPE = Recipe(encoder="nature", features=16)


def test_a_rate_is_of_the_work_that_a_recipe_counts_and_draws_nothing():
    before = torch.get_rng_state()
    assert speed.frames_a_second(RECIPE) > 100
    assert bool((torch.get_rng_state() == before).all())


@pytest.mark.parametrize("precision,slower", [("float32", False), ("bfloat16", True)])
def test_the_slower_precision_is_told_what_it_costs(monkeypatch, precision: str, slower: bool):
    rates = {"float32": 900.0, "bfloat16": 100.0}
    monkeypatch.setattr(speed, "frames_a_second", lambda recipe, device: rates[recipe.precision])
    said = speed.compare_precisions(replace(RECIPE, precision=precision))
    assert "float32 900, bfloat16 100" in said
    assert ("bfloat16, 9.0 times slower than float32; a new run takes" in said) == slower


def test_the_time_left_is_the_cost_at_the_measured_rate_asked_once_a_kind(monkeypatch):
    asked = []

    def rate(recipe: Recipe) -> float:
        asked.append(recipe.precision)
        return 1000.0

    monkeypatch.setattr(speed, "frames_a_second", rate)
    rates = Rates(threads=torch.get_num_threads())
    runs = [Planned(parse_id(f"bigfish/ppo/{s}"), 16_384 * 4, RECIPE) for s in range(2)]
    assert rates.seconds(runs[0], 16_384) == pytest.approx(3 * RECIPE.cost / 1000)
    assert rates.seconds(runs[1], 16_384 * 4) == 0
    rates.seconds(runs[1], 0)
    assert asked == ["float32"] and rates.whole == pytest.approx(7 * RECIPE.cost / 1000)


def test_a_run_says_what_its_precision_costs_when_it_is_worth_asking(
    tmp_path: Path, monkeypatch, capsys
):
    from checkpoints.runs import train
    from tests.support.tiny import settings

    monkeypatch.setattr(train, "LONG", 1)
    train.main(settings(tmp_path))
    assert "frames a second through the network here: float32" in capsys.readouterr().out
