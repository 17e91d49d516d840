"""How often the likely cause of a rejected request is the true one."""

import pytest

from chatdebug.linter import RULES
from tests.accuracy.causes import CauseScore, rejected, reported, structure_alone

RIGHT = {False: 0.95, True: 0.9}
"""By whether the half was kept apart. It was 78.1 % of that one, before it was used."""
RIGHT_OF_REPORTED = {False: 0.95, True: 0.8}
"""The same of the requests of somebody who had not seen the rules."""
WRONG = 0.05


def test_there_are_enough_requests_in_both_halves() -> None:
    apart = [one for one in rejected() if one.is_apart]
    assert len(rejected()) >= 60
    assert len(apart) >= 60
    assert len({one.id for one in rejected()}) == len(rejected())


def test_each_known_cause_is_one_that_there_is_a_rule_for() -> None:
    known = {rule.id for rule in RULES}
    known_half = [one for one in (*rejected(), *reported()) if not one.is_apart]
    assert {cause for one in known_half for cause in one.causes} <= known


@pytest.mark.parametrize("in_full", [False, True], ids=["shapes", "in full"])
@pytest.mark.parametrize("is_apart", [False, True], ids=["known", "kept apart"])
def test_the_first_cause_is_as_often_the_true_one_as_promised(
    is_apart: bool, in_full: bool
) -> None:
    score = CauseScore.of(rejected(), is_apart=is_apart, in_full=in_full)
    missed = {name: said for name, said in score.verdicts.items() if said != "right"}
    assert score.share("right") >= RIGHT[is_apart], missed
    assert score.share("wrong") < WRONG, missed


@pytest.mark.parametrize("in_full", [False, True], ids=["shapes", "in full"])
def test_the_first_cause_is_as_often_the_true_one_in_requests_of_somebody_else(
    in_full: bool,
) -> None:
    for is_apart in (False, True):
        score = CauseScore.of(reported(), is_apart=is_apart, in_full=in_full)
        missed = {
            name: said for name, said in score.verdicts.items() if said != "right"
        }
        assert score.share("right") >= RIGHT_OF_REPORTED[is_apart], missed
        assert score.share("wrong") < WRONG, missed


@pytest.mark.parametrize("in_full", [False, True], ids=["shapes", "in full"])
def test_nothing_is_named_where_nothing_is_wrong_with_the_request(
    in_full: bool,
) -> None:
    fine = [one for one in reported() if one.is_elsewhere]
    assert len(fine) >= 25
    assert [one.id for one in fine if one.findings(in_full=in_full)] == []


def test_structure_alone_names_no_wrong_cause() -> None:
    verdicts = list(structure_alone().values())
    assert verdicts.count("right") >= 45
    assert verdicts.count("wrong") == 0
