"""The deployment's own secrets: found in any encoding, whole or in pieces."""

import base64
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from time import monotonic
from urllib.parse import quote, quote_plus

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from chatdebug.conf import recorder_settings
from chatdebug.logs import safe_logger
from chatdebug.redaction.patterns import marker

logger = safe_logger(__name__)

MIN_SECRET = 6
"""A shorter one is found in too many words to be removed."""
MIN_END = 8
"""Characters of a secret's head or tail that are removed on their own."""
MIN_PIECE = 12
"""Characters from anywhere inside a secret that are removed on their own."""
STRIDE = MIN_PIECE - MIN_END + 1
"""Each piece of ``MIN_PIECE`` characters holds a gram that begins at a multiple of it."""
REFRESH_SECONDS = 30.0
RETRY_SECONDS = 2.0
"""A function that failed is asked again after it, and not at every text."""
FIRST_SECONDS = 1.0
"""How long other threads wait at most while the function is asked for the first time."""
REPLACEMENT = marker("configured secret")
UNKNOWN = marker("secrets unknown")
"""Stands for a whole text while nobody can tell whether a secret is in it."""


class SecretMatcher:
    """Removes a set of secrets from texts, in time linear in the text.

    Pieces of ``MIN_PIECE`` characters in upper or lower case, shorter ones as they are:
    too many words are like them.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        *,
        replacement: str = REPLACEMENT,
        no_end: re.Pattern[str] | None = None,
    ) -> None:
        """``no_end``: which heads and tails are not removed on their own."""
        self._replacement = replacement
        self._variants = sorted(
            {variant for secret in set(secrets) for variant in _variants(secret)},
            key=len,
            reverse=True,
        )
        self._grams: dict[str, list[tuple[str, int]]] = {}
        ends: set[str] = set()
        for variant in self._variants:
            if len(variant) < MIN_END:
                ends.add(variant)
                continue
            heads_and_tails = {variant[:MIN_END], variant[-MIN_END:]}
            if no_end is not None:
                heads_and_tails = {
                    end for end in heads_and_tails if not no_end.fullmatch(end)
                }
            if len(variant) < MIN_PIECE and not heads_and_tails:
                heads_and_tails = {variant}
            ends |= heads_and_tails
        for folded in dict.fromkeys(map(_folded, self._variants)):
            for start in range(len(folded) - MIN_END + 1):
                gram = folded[start : start + MIN_END]
                self._grams.setdefault(gram, []).append((folded, start))
        self._ends = (
            re.compile("|".join(map(re.escape, sorted(ends)))) if ends else None
        )

    def remove(self, text: str) -> str:
        """Return the text without any of the secrets."""
        spans = sorted(self._spans(text)) if self._variants else []
        if not spans:
            return text
        parts, position = [], 0
        for start, end in spans:
            if start >= position:
                parts += [text[position:start], self._replacement]
            position = max(position, end)
        return "".join([*parts, text[position:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        covered = 0
        grams = self._grams
        folded = _folded(text)
        for start in range(0, len(text) - MIN_END + 1, STRIDE):
            if start >= covered and folded[start : start + MIN_END] in grams:
                span = self._longest(folded, start)
                if span[1] - span[0] >= MIN_PIECE:
                    covered = span[1]
                    yield span
        if self._ends is not None:
            for match in self._ends.finditer(text):
                is_piece = folded[match.start() : match.start() + MIN_END] in grams
                yield (
                    self._longest(folded, match.start()) if is_piece else match.span()
                )

    def _longest(self, text: str, start: int) -> tuple[int, int]:
        """Return the longest piece of a secret around a gram of it."""
        best = (start, start)
        for variant, offset in self._grams[text[start : start + MIN_END]]:
            left = 0
            while left < min(offset, start) and (
                variant[offset - left - 1] == text[start - left - 1]
            ):
                left += 1
            right = MIN_END
            while (
                offset + right < len(variant)
                and start + right < len(text)
                and variant[offset + right] == text[start + right]
            ):
                right += 1
            if left + right > best[1] - best[0]:
                best = (start - left, start + right)
        return best


def _folded(text: str) -> str:
    """Return a text in lower case, each character in its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    # Of some letters the small one is two characters.
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)


class NoSecretsKnown(SecretMatcher):
    """Stands in while it is not known what the secrets are: any text may hold one."""

    def __init__(self) -> None:
        super().__init__(())

    def remove(self, text: str) -> str:
        """Return a fixed note in place of the text."""
        return text and UNKNOWN


class ConfiguredSecrets:
    """The matcher of this process, made anew when its secrets may have changed.

    Thread-safe. If the function ``SECRETS`` fails, that is logged, and it is asked again
    soon; what it told last stays. Before it has told anything, no text is let through.
    """

    def __init__(self) -> None:
        self.begin_anew()
        self._waits = True
        self._source: str | None = None
        self._told: frozenset[str] | None = None
        self._given: tuple[str, ...] = ()
        self._added: frozenset[str] = frozenset()
        self._secrets: frozenset[str] = frozenset()
        self._known: SecretMatcher = SecretMatcher(())
        self._unknown = NoSecretsKnown()
        self._matcher: SecretMatcher = self._unknown
        self._failure = ""

    def begin_anew(self) -> None:
        """Let a forked process wait for no thread that it does not have."""
        self._asking = Lock()
        self._making = Lock()
        self.forget()

    def add(self, secret: str) -> None:
        """Take note of a secret that this process has come to use, from now on."""
        if secret not in self._added and _is_usable(secret):
            with self._making:
                self._added |= {secret}
            self._make()

    def matcher(self) -> SecretMatcher:
        """Return the matcher for the secrets as they are now."""
        if self._waits or monotonic() >= self._next_load:
            if self._asking.acquire(timeout=FIRST_SECONDS if self._waits else 0):
                try:
                    if monotonic() >= self._next_load:
                        self._load()
                finally:
                    self._asking.release()
            self._waits = False
        return self._matcher

    def secrets(self) -> frozenset[str]:
        """Return the secrets themselves, for the self-test."""
        self.matcher()
        return self._secrets

    def failure(self) -> str:
        """Return why it is not known what the secrets are; empty if it is."""
        self.matcher()
        return self._failure

    def are_known(self) -> bool:
        """Return whether texts can be told from secrets: what was told last counts."""
        return self.matcher() is not self._unknown

    def forget(self) -> None:
        """Load the secrets again with the next text."""
        self._next_load = 0.0

    def _load(self) -> None:
        self._next_load = monotonic() + REFRESH_SECONDS
        try:
            config = recorder_settings()
            self._given = config.EXTRA_SECRETS
            if self._source != config.SECRETS:
                self._source, self._told = config.SECRETS, None
            self._told = _told_by(config.SECRETS) if config.SECRETS else frozenset()
            self._failure = ""
        except Exception as error:
            logger.exception("The deployment's secrets could not be read")
            # What others say in their errors may hold a secret; the log is theirs.
            says = f"{self._source or 'CHATDEBUG'} raised {type(error).__name__}"
            self._failure = str(error) if isinstance(error, WrongSecrets) else says
            self._next_load = min(self._next_load, monotonic() + RETRY_SECONDS)
        self._make()

    def _make(self) -> None:
        with self._making:
            secrets = self._added.union(self._told or (), self._given)
            secrets = frozenset(filter(_is_usable, secrets))
            if secrets != self._secrets:
                self._known = SecretMatcher(secrets)
                self._secrets = secrets
            self._matcher = self._unknown if self._told is None else self._known


class WrongSecrets(TypeError):
    """What the function ``SECRETS`` returned is no iterable of texts. Says no secret."""


def _told_by(path: str) -> frozenset[str]:
    """Return what the function tells. Raises WrongSecrets, or whatever it raises."""
    source: Callable[[], Iterable[str]] = import_string(path)
    told = source()
    if isinstance(told, str | bytes | Mapping) or not isinstance(told, Iterable):
        raise WrongSecrets(
            f"{path} is to return an iterable of str, not {type(told).__name__}"
        )
    secrets = list(told)
    for position, secret in enumerate(secrets):
        if not isinstance(secret, str):
            raise WrongSecrets(
                f"{path} is to return str only; its item {position} is "
                f"{type(secret).__name__}"
            )
    return frozenset(secrets)


configured_secrets = ConfiguredSecrets()
os.register_at_fork(after_in_child=configured_secrets.begin_anew)


def _is_usable(secret: object) -> bool:
    return isinstance(secret, str) and len(secret) >= MIN_SECRET


def _variants(secret: str) -> Iterator[str]:
    """Yield a secret in each encoding in which it may turn up."""
    if not _is_usable(secret):
        return
    escaped = json.dumps(secret)[1:-1]
    yield secret
    yield escaped
    yield json.dumps(escaped)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    yield html.escape(secret)
    data = secret.encode("utf-8", "replace")
    for alignment in range(3):
        encoded = base64.b64encode(b"\0" * alignment + data).decode().rstrip("=")
        # The characters at both edges depend on what stands beside the secret.
        inner = encoded[(0, 2, 3)[alignment] : len(encoded) - 1]
        if len(inner) >= MIN_END:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
    if len(data) >= MIN_END:
        yield data.hex()


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "CHATDEBUG":
        configured_secrets.forget()
