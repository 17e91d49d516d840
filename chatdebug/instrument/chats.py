"""``set_chat``: which chat the calls belong to that are made in no run."""

import sys
from dataclasses import dataclass, field
from time import perf_counter

from django.core.signals import request_started
from django.dispatch import receiver

from chatdebug.enums import Evidence
from chatdebug.recorder.arguments import as_evidence, as_id, as_text
from chatdebug.recorder.calls import Told
from chatdebug.scope import Scope, Scoped, current_run, generator_around


@dataclass(slots=True)
class Chat:
    """The ids of a chat and of its owner, as text."""

    chat_id: str
    owner_id: str
    evidence: Evidence = Evidence.FULL
    """What failing calls of it may keep at most."""
    is_block: bool = False
    """Whether it ends with a block, and not with the request."""
    said_at: float = field(default_factory=perf_counter)


class set_chat:
    """Say which chat, and whose, the calls are that are made from here on.

    An instrumented call that is made in no run makes one of its own, of this chat. Said in
    a request, it holds until the next request is served here; as a block, until its end::

        with set_chat(chat.pk, request.user.pk):
            client.chat.completions.create(model=model, messages=messages)

    Use the block in tasks and threads, which have no end that could be seen. Ids are text
    or anything with a meaningful ``str``. ``evidence`` is as for ``record_run``. Raises
    TypeError with DEBUG for a chat of None, and for an evidence that there is not.
    """

    __slots__ = ("_chat", "_scope")

    def __init__(
        self,
        chat_id: object,
        owner_id: object = "",
        *,
        evidence: Evidence | str = Evidence.FULL,
    ) -> None:
        self._chat = Chat(
            as_id(chat_id, "chat_id"),
            as_text(owner_id, "owner_id"),
            as_evidence(evidence),
        )
        self._scope: Scope[Chat] = _current.enter(self._chat)

    def __enter__(self) -> None:
        self._chat.is_block = True
        # It was made elsewhere, where a function returned it: who enters it counts.
        generator = generator_around(sys._getframe(1))
        if generator is not None:
            self._scope.bind_to(generator)

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        self._scope.end()


def current_chat() -> Chat | None:
    """Return the chat that was set for calls made here, or None."""
    return _current.get()


def run_started_in() -> Told | None:
    """Return the arguments of the finished run in which this task or thread was started.

    Asked in no run; None also if ``set_chat`` was called since.
    """
    told: Told | None = current_run.left()
    chat = None if told is None else current_chat()
    return told if chat is None or told is None or chat.said_at < told.began else None


_current: Scoped[Chat] = Scoped("chatdebug_current_chat")


@receiver(request_started)
def _forget_the_last_request(**kwargs: object) -> None:
    """Let no request's chat be the next one's: a WSGI thread serves many."""
    scope = _current.innermost()
    while scope is not None:
        chat = scope.value  # read once: another thread may end the block meanwhile
        if chat is not None and not chat.is_block:
            scope.end()
        scope = scope.outer
