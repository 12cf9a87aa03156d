"""What pairs are called is read back as it was written."""

import pytest

from analysis.policies.relations import kind_of, methods_of, relation
from checkpoints.console import UserError
from checkpoints.policy.ids import UNTRAINED, PolicyId

ONE = PolicyId("coinrun", "mutual-bg4", 0, 0, 64)
BLANK = PolicyId("coinrun", UNTRAINED, 0, 0, 0)


@pytest.mark.parametrize(
    ("x", "y", "kind", "methods"),
    [
        (ONE, PolicyId("coinrun", "mutual-bg4", 0, 1, 64), "peers", ("mutual-bg4",)),
        (ONE, PolicyId("coinrun", "mutual-bg4", 1, 0, 64), "seeds", ("mutual-bg4",)),
        (ONE, PolicyId("coinrun", "mutual-bg4", 0, 0, 32), "steps", ("mutual-bg4",)),
        (PolicyId("coinrun", "ppo", 0, 0, 64), ONE, "vs", ("mutual-bg4", "ppo")),
        (BLANK, ONE, "vs", ("mutual-bg4", UNTRAINED)),
        (BLANK, PolicyId("coinrun", UNTRAINED, 1, 0, 0), UNTRAINED, (UNTRAINED,)),
        (ONE, ONE, "self", ()),
    ],
)
def test_a_relation_says_its_kind_and_its_methods(x, y, kind, methods):
    pair = relation(x, y)
    assert (kind_of(pair), methods_of(pair)) == (kind, methods)


@pytest.mark.parametrize("pair", ["", "mutual friends", "mutual against ppo"])
def test_no_relation_is_refused(pair):
    with pytest.raises(UserError, match="unknown kind of pair"):
        kind_of(pair)
