"""One string for a policy, whatever its method is called."""

import pytest

from checkpoints.console import UserError
from checkpoints.policy.ids import RESERVED, parse_id


@pytest.mark.parametrize("method", ["ppo", "idaac", "my-method-2", "ppo-bg9", "untrained"])
def test_a_method_may_bear_any_name(method):
    text = f"starpilot/{method}/7/peer1/step300"
    one = parse_id(text)
    assert str(one) == text and one.method == method
    assert parse_id(f"starpilot/{method}/7").covers(one)


@pytest.mark.parametrize("word", RESERVED)
def test_words_of_pairs_name_no_method(word):
    with pytest.raises(UserError, match=f"expected a method's name, got '{word}', a word that"):
        parse_id(f"starpilot/{word}/0")


@pytest.mark.parametrize("text", ["starpilot/Idaac/7", "starpilot/i_d/7", "starpilot/ppo", "a//0"])
def test_another_form_is_refused(text):
    with pytest.raises(UserError, match="expected an id such as bigfish/mutual/0"):
        parse_id(text)
