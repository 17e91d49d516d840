"""How many decisions it takes until a provider nobody knew is classified right."""

import pytest

from tests.accuracy.learning import Learned, learn_each


def total(learned: list[Learned]) -> tuple[int, int]:
    return sum(one.decisions for one in learned), sum(one.groups for one in learned)


def test_what_other_providers_fail_with_is_enough_for_a_hidden_one() -> None:
    learned = list(learn_each())
    assert len(learned) == 17
    assert [str(one) for one in learned if not one.is_enough] == []
    decisions, groups = total(learned)
    assert decisions * 4 <= groups


def test_without_any_rule_a_decision_is_right_for_three_groups() -> None:
    learned = list(learn_each(from_nothing=True))
    below = [one for one in learned if not one.is_enough]
    assert [one.provider for one in below] == ["aws-bedrock"]
    assert below[0].right[-1] == pytest.approx(0.89, abs=0.01)
    decisions, groups = total(learned)
    assert decisions * 3 <= groups
