"""The rule of the declaration: against statsmodels and scipy, and by simulating it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind
from statsmodels.stats.weightstats import ttost_ind

from analysis.stats.look_verdicts import EFFECT, GO_ON, NO_EFFECT, NOT_DECIDED, NOT_REACHED
from analysis.stats.looks import decide, error_rates
from analysis.stats.welch import compare
from checkpoints.console import UserError
from checkpoints.runs.declaration import Declaration
from checkpoints.runs.study import read_declaration


@pytest.fixture(scope="module")
def declared(root: Path) -> Declaration:
    return read_declaration(root / "study-second.yaml")


def test_both_tests_are_those_of_scipy_and_statsmodels():
    draws = np.random.default_rng(0)
    a, b = draws.normal(0.1, 0.2, 6), draws.normal(0, 0.1, 9)
    found = compare(a, b, 0.2)
    known = ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(known.pvalue, rel=1e-12)
    assert found.freedom == pytest.approx(known.df, rel=1e-12)
    p = ttost_ind(a, b, -0.2, 0.2, usevar="unequal")[0]
    assert found.p_equivalence == pytest.approx(p, rel=1e-12)


def test_the_rule_errs_as_seldom_and_sees_as_much_as_the_declaration_says(declared: Declaration):
    none = error_rates(declared, 1.0, 0.161)
    assert none[EFFECT] == pytest.approx(0.045, abs=0.005)
    assert none[NO_EFFECT] == pytest.approx(0.88, abs=0.01)
    for factor in (declared.margin, 1 / declared.margin):
        edge = error_rates(declared, factor, 0.161, seed=1)
        assert edge[NO_EFFECT] == pytest.approx(0.049, abs=0.006)
        assert edge[EFFECT] == pytest.approx(0.88, abs=0.01)
    alike = error_rates(declared, 1.0, 0.161, alike=0.3)
    assert alike[EFFECT] < 0.03 and alike[NO_EFFECT] > 0.92


def test_without_smaller_early_bounds_the_rule_would_err_too_often(declared: Declaration):
    careless = replace(declared, effect_p=(0.05, 0.05, 0.05), equivalence_p=(1e-9, 1e-9, 1e-9))
    assert error_rates(careless, 1.0, 0.161)[EFFECT] > 0.08


def test_planted_effects_are_decided_by_the_look_itself(declared: Declaration):
    draws = np.random.default_rng(0)
    control = draws.normal(-0.5, 0.075, 12)
    for factor, verdict in ((0.8, EFFECT), (1.0, NO_EFFECT), (1.25, EFFECT)):
        look = decide(draws.normal(-0.5, 0.075, 12) + np.log(factor), control, declared)
        assert look.verdict == verdict and look.pairs in declared.looks
        assert look.tests is not None
        if verdict == EFFECT:
            assert np.exp(look.tests.difference) == pytest.approx(factor, rel=0.15)


def test_a_look_waits_for_its_pairs_and_the_last_one_ends(declared: Declaration):
    far = np.array([-1.0, 1.0] * 6)
    assert decide(far[:5], far[:5], declared)[::2] == (6, NOT_REACHED)
    assert decide(far[:8], far[:8], declared)[::2] == (6, GO_ON)
    assert decide(far, far, declared)[::2] == (12, NOT_DECIDED)


def test_what_is_decided_stays_decided_whatever_comes_after(declared: Declaration):
    sure = np.full(6, 1.0) + np.linspace(0, 0.01, 6)
    later = np.concatenate([sure, -sure * 50])
    assert decide(later, np.linspace(0, 0.01, 12), declared)[::2] == (6, EFFECT)


def test_half_a_pair_and_a_value_that_is_none_are_refused(declared: Declaration):
    with pytest.raises(UserError, match="whole pairs, got 6 runs of mutual-split32 and 5 of"):
        decide(np.zeros(6), np.zeros(5), declared)
    with pytest.raises(UserError, match="finite value for each of at least 2 runs"):
        compare(np.array([0.0, np.nan]), np.zeros(3), 0.1)
    with pytest.raises(UserError, match="finite value for each of at least 2 runs"):
        compare(np.zeros(1), np.zeros(3), 0.1)
