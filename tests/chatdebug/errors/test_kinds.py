"""Every kind of an error has its words, and something that makes an error of it."""

import re

import pytest

from chatdebug.enums import ErrorKind
from chatdebug.errors import RULES, ClassifiedError, KnownError, classify
from chatdebug.errors.messages import ADVICE, SENTENCES


def known_kinds(base: type[KnownError] = KnownError) -> set[ErrorKind]:
    """Return the kinds of the exceptions that are made for one."""
    here = {made.kind for made in base.__subclasses__() if made is not ClassifiedError}
    return here.union(*(known_kinds(made) for made in base.__subclasses__()))


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_its_sentence_and_its_advice(kind: ErrorKind) -> None:
    assert SENTENCES[kind]
    assert ADVICE[kind]


def test_a_kind_without_words_is_classified_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(SENTENCES, ErrorKind.CONFIG)
    monkeypatch.delitem(ADVICE, ErrorKind.CONFIG)
    classification = classify(ClassifiedError("config", "x"))
    assert classification.kind == ErrorKind.CONFIG
    assert classification.message
    assert classification.advice


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_is_made_by_a_rule_or_an_exception(kind: ErrorKind) -> None:
    assert kind in {rule.kind for rule in RULES} | known_kinds()


def test_the_docstring_of_the_kinds_describes_each_of_them() -> None:
    described = re.findall(r"^ *``(\w+)``  ", ErrorKind.__doc__ or "", re.MULTILINE)
    assert described == ErrorKind.values
