"""Each regular expression with an example that it matches, and one that it must not."""

import pytest

from chatdebug import payloads
from tests.patterns import patterns_of

EXAMPLES = {
    "text.BASE64_RUN": ("a " + "aB3+" * 256, "a " + "aB3+" * 255),
    "text.DATA_URL": ("see data:image/png;base64,iVBORw0", "the data: image/png"),
    "text.NOTE": (
        "head … [1,024 characters left out of 2,048] … tail",
        "head … [some characters left out of many] … tail",
    ),
    "text.UNSTORABLE": ("a\0b\udc80", "a\ufffdb"),
}


def test_every_expression_has_its_examples() -> None:
    assert patterns_of(payloads).keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_expression_finds_its_example_and_not_the_other(name: str) -> None:
    search = patterns_of(payloads)[name].search
    example, other = EXAMPLES[name]
    assert search(example)
    assert not search(other)
