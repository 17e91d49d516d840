"""Errors that the host project raises itself, where no provider's exception says it."""

import re

from chatdebug.enums import ErrorKind

REASON_CHARACTERS = 80
FINISH_KINDS = (
    (
        ErrorKind.CONTENT_FILTER,
        re.compile(
            r"\b(?:block(?:ed|list)|content ?filter(?:ed)?|filter(?:ed)?|flagged|harmful|"
            r"guardrails?|moderat(?:ed|ion)|prohibited|recitation|refus(?:al|ed)|safety|"
            r"sensitive|spii|toxic(?:ity)?|violation)\b"
        ),
    ),
    (ErrorKind.OVERLOADED, re.compile(r"\b(?:busy|capacity|overloaded|resources?)\b")),
    (
        ErrorKind.TIMEOUT,
        re.compile(r"\b(?:connection|deadline|network|timeout|unavailable)\b"),
    ),
)
BROKEN = re.compile(r"\b(?:abort(?:ed)?|error|fail(?:ed|ure)|malformed)\b")
"""How providers call the end of a stream that broke: another try may well succeed."""


class KnownError(Exception):
    """An error whose kind is not to be guessed."""

    kind = ErrorKind.GENERIC
    retryable = False
    retry_after: float | None = None
    """Seconds to wait before another try, where they are known."""
    provider = ""
    status_code: int | None = None


class ClassifiedError(KnownError):
    """An error that carries its own classification, which counts wherever it is raised.

    Also as a cause, deep in a chain or in a group. ``kind`` is an ``ErrorKind`` or its
    value; ``generic`` means that the error is unknown, so that it is captured. Raises
    ValueError for a kind that there is not.
    """

    def __init__(
        self,
        kind: ErrorKind | str,
        message: str = "",
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        provider: str = "",
        status_code: int | None = None,
    ) -> None:
        self.kind = ErrorKind(kind)
        self.retryable = retryable
        self.retry_after = retry_after
        self.provider = provider
        self.status_code = status_code
        super().__init__(message or str(self.kind.label))


class IncompleteStreamError(KnownError):
    """A stream ended without a finish reason: what came may be all, or not.

    Nothing says that it will break again, so another try is worth its price. How many,
    its caller decides.
    """

    retryable = True

    def __init__(
        self, message: str = "The stream ended without a finish reason."
    ) -> None:
        super().__init__(message)


class UnreadableStreamError(KnownError):
    """An event of a stream is not what its protocol says: cut off on the way, or mixed up.

    As of a stream that just ends, nothing says that it will happen again.
    """

    retryable = True


class FinishReasonError(KnownError):
    """A stream ended with a finish reason that is a failure, or that nobody knows.

    ``reason`` is the provider's own word, as it came, and stands in the message. Its kind
    is that of the failure which the word names, whichever provider's word it is: a filter,
    a lack of capacity, the network. Any other is ``generic``, and so captured.
    """

    def __init__(self, reason: object) -> None:
        word = "".join(re.findall(r"[\w .:/-]", str(reason)))[:REASON_CHARACTERS]
        self.reason = word
        self.kind, self.retryable = kind_of_finish(word)
        super().__init__(f"The stream ended with the finish reason {word!r}.")


def kind_of_finish(reason: str) -> tuple[ErrorKind, bool]:
    """Return the kind that a finish reason names, and whether to try again.

    Ends that are no failure (stop, length, tool calls) are not known here: those are the
    caller's to take.
    """
    camel = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", reason)
    words = " ".join(re.findall(r"[a-z]+", camel.lower()))
    for kind, pattern in FINISH_KINDS:
        if pattern.search(words):
            return kind, kind is not ErrorKind.CONTENT_FILTER
    return ErrorKind.GENERIC, bool(BROKEN.search(words))


class EmptyResultError(KnownError):
    """A model call returned None and raised nothing."""

    def __init__(self, message: str = "The language model returned no result.") -> None:
        super().__init__(message)


class TextResultError(KnownError):
    """A model call returned a text that is no JSON, such as a web page, and raised nothing.

    Of the text it only keeps whether it is such a page.
    """

    def __init__(self, text: str = "") -> None:
        is_page = text.lstrip()[:9].lower().startswith(("<!doctype", "<html"))
        kind = "a web page (text/html)" if is_page else "a text"
        super().__init__(f"The answer is {kind} where JSON was expected.")


class StreamSilenceError(KnownError):
    """A stream was silent for so many seconds that its call was given up."""

    kind = ErrorKind.STREAM_SILENCE_TIMEOUT
    retryable = True

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"Nothing was received for {seconds:g} seconds.")


class MissingKeyError(KnownError):
    """The environment variable that should hold the key is not set."""

    kind = ErrorKind.MISSING_KEY

    def __init__(self, variable: str) -> None:
        self.variable = variable
        super().__init__(f"The environment variable {variable} is not set.")


class ProviderDisabledError(KnownError):
    """An administrator has switched the provider off."""

    kind = ErrorKind.PROVIDER_DISABLED

    def __init__(self, message: str = "The provider is disabled.") -> None:
        super().__init__(message)


class ContentFilteredError(KnownError):
    """The provider blocked the answer, and no text came before that."""

    kind = ErrorKind.CONTENT_FILTER

    def __init__(self, category: str = "") -> None:
        self.category = category.strip()
        suffix = f" ({self.category})" if self.category else ""
        super().__init__(f"The response was blocked by the content filter{suffix}.")
