"""Tells what a model thinks from what it answers, where both come as one text."""

OPENING = "<think>"
CLOSING = "</think>"


class ThinkingFilter:
    """Leaves out what stands between the tags, however the text is cut into pieces.

    A tag in backticks is a word of the answer. Thinking that begins in the middle of an
    answer and never ends was none: it is given back at the end.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thoughts: list[str] = []
        self._is_thinking = False
        self._has_thought = False
        self._has_answer = False
        self._last = ""

    def feed(self, text: str) -> str:
        """Return what of the text so far is known to be answer."""
        if not self._held and not self._is_thinking and "<" not in text:
            return self._answer(text)
        text = self._held + text
        self._held = ""
        said: list[str] = []
        while text:
            tag = CLOSING if self._is_thinking else OPENING
            before, found, text = self._cut(text, tag)
            if self._is_thinking:
                self._thoughts.append(before)
            else:
                said.append(self._answer(before))
            if found:
                said.append(self._turn(tag))
        return "".join(said)

    def end(self) -> str:
        """Return what was held back and is answer after all."""
        held, self._held = self._held, ""
        if not self._is_thinking:
            return self._answer(held)
        self._is_thinking = False
        return OPENING + "".join(self._thoughts) + held if self._has_answer else ""

    def _cut(self, text: str, tag: str) -> tuple[str, bool, str]:
        """Split at a tag. What may be the beginning of one at the end is held back."""
        before, found, after = text.partition(tag)
        if found:
            return before, True, after
        for size in range(min(len(tag) - 1, len(text)), 0, -1):
            if text.endswith(tag[:size]):
                self._held = text[-size:]
                return text[:-size], False, ""
        return text, False, ""

    def _turn(self, tag: str) -> str:
        """Begin or end to think; return the tag if it is a word of the answer."""
        if tag == OPENING and self._last == "`":
            return self._answer(tag)
        self._is_thinking = tag == OPENING
        self._has_thought = True
        self._thoughts.clear()
        return ""

    def _answer(self, text: str) -> str:
        if not self._has_answer:
            if self._has_thought:
                text = text.lstrip()
            self._has_answer = bool(text.strip())
        self._last = text[-1:] or self._last
        return text
