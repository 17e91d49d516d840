"""Errors that the host project raises itself, where no provider's exception says it."""

from chatdebug.enums import ErrorKind


class KnownError(Exception):
    """An error whose kind is not to be guessed."""

    kind = ErrorKind.GENERIC
    retryable = False


class IncompleteStreamError(KnownError):
    """A stream ended without a finish reason: what came may be all, or not."""

    def __init__(
        self, message: str = "The stream ended without a finish reason."
    ) -> None:
        super().__init__(message)


class EmptyResultError(KnownError):
    """A model call returned None and raised nothing."""

    def __init__(self, message: str = "The language model returned no result.") -> None:
        super().__init__(message)


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
