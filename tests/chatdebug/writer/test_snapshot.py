"""A column that is made late: it fails alone, and its failure quotes nothing."""

from typing import Any

import pytest

from chatdebug.payloads import normalise_request, normalise_response, normalise_usage
from chatdebug.writer import Deferred


class Hostile:
    def fail(self, *args: Any) -> Any:
        raise RuntimeError("quotes the prompt")

    __getattr__ = __iter__ = __len__ = __reversed__ = fail


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: normalise_request(Hostile(), None, None), id="request"),  # type: ignore[arg-type]
        pytest.param(lambda: normalise_response(Hostile()), id="response"),  # type: ignore[arg-type]
        pytest.param(lambda: normalise_usage(Hostile()), id="usage"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_normalised_is_noted_and_not_quoted(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    column = Deferred(make)
    assert column.value() == {"error": "chatdebug: RuntimeError"}
    assert column.value() == {"error": "chatdebug: RuntimeError"}
    (record,) = caplog.records
    assert "RuntimeError in Hostile.fail" in record.getMessage()
    assert "quotes the prompt" not in caplog.text
