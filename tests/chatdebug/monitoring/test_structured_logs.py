"""Lines that are logged in a run say which one it is."""

from contextlib import suppress

import pytest
import structlog

from chatdebug.monitoring.structured_logs import add_run
from chatdebug.recorder import record_run

pytestmark = pytest.mark.django_db(transaction=True)


class ProviderError(Exception):
    """An error that no rule knows."""


@pytest.fixture
def lines() -> list[structlog.typing.EventDict]:
    """Return what is logged, after the processor."""
    return []


@pytest.fixture
def log(
    lines: list[structlog.typing.EventDict],
) -> structlog.typing.FilteringBoundLogger:
    def keep(logger: object, method: str, event: structlog.typing.EventDict) -> str:
        lines.append(dict(event))
        raise structlog.DropEvent

    made: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        None, processors=[add_run, keep], wrapper_class=structlog.BoundLogger
    )
    return made


def test_a_line_outside_of_a_run_has_no_fields(
    log: structlog.typing.FilteringBoundLogger,
    lines: list[structlog.typing.EventDict],
) -> None:
    log.info("before")
    assert lines == [{"event": "before"}]


def test_a_line_in_a_run_names_its_chat_and_its_evidence_once_there_is_some(
    log: structlog.typing.FilteringBoundLogger,
    lines: list[structlog.typing.EventDict],
) -> None:
    with record_run(chat_id="chat-7", model="demo", provider="demo") as run:
        log.info("asked", chatdebug_level="its own")
        with suppress(ProviderError), run.step():
            raise ProviderError("the ballast shifted")
        log.info("failed")
    first, second = lines
    assert first == {
        "event": "asked",
        "chatdebug_chat": "chat-7",
        "chatdebug_level": "its own",
    }
    assert second["chatdebug_run"] == str(run.stored_id)
    assert second["chatdebug_level"] == "errors"
