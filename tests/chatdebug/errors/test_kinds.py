"""Every kind of an error has its words, and something that makes an error of it."""

import re

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import RULES, ClassifiedError, KnownError, classify
from chatdebug.errors.sentences import WHOSE, WORDS, Cause, Owner
from chatdebug.errors.verdict import OF_KINDS, verdict


def known_kinds(base: type[KnownError] = KnownError) -> set[ErrorKind]:
    """Return the kinds of the exceptions that are made for one."""
    here = {made.kind for made in base.__subclasses__() if made is not ClassifiedError}
    return here.union(*(known_kinds(made) for made in base.__subclasses__()))


def test_every_kind_but_the_unknown_one_and_timeouts_has_a_cause() -> None:
    by_status = {ErrorKind.GENERIC, ErrorKind.TIMEOUT}
    assert set(OF_KINDS) | by_status == set(ErrorKind)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_its_words(cause: Cause) -> None:
    words = WORDS[cause]
    assert str(words.what).endswith(".")
    assert str(words.advice.words).endswith(".")
    assert WHOSE[words.owner]


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_is_told_in_sentences(kind: ErrorKind) -> None:
    said = verdict(kind)
    for sentence in (said.what, said.whose, said.advice):
        assert sentence.endswith(".")
        assert "{" not in sentence


def test_a_kind_without_a_cause_is_classified_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(OF_KINDS, ErrorKind.USAGE_LIMIT)
    classification = classify(ClassifiedError("usage_limit", "x"))
    assert classification.kind == ErrorKind.USAGE_LIMIT
    assert classification.owner == Owner.UNKNOWN
    assert classification.message
    assert classification.advice


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_is_made_by_a_rule_or_an_exception(kind: ErrorKind) -> None:
    assert kind in {rule.kind for rule in RULES} | known_kinds()


def test_the_docstring_of_the_kinds_describes_each_of_them() -> None:
    described = re.findall(r"^ *``(\w+)``  ", ErrorKind.__doc__ or "", re.MULTILINE)
    assert described == ErrorKind.values
