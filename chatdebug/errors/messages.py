"""What the user is told, by kind: one sentence about what happened, one about what helps."""

from django.utils.translation import gettext_lazy as _

from chatdebug.enums import ErrorKind

PROVIDERS = {
    "openai": "OpenAI",
    "openai-compat": _("The AI provider"),
    "openai_compatible": _("The AI provider"),
    "azure": "Azure OpenAI",
    "anthropic": "Anthropic",
    "google": "Google",
    "bedrock": "AWS Bedrock",
    "openrouter": "OpenRouter",
    "vercel": "Vercel AI Gateway",
    "groq": "Groq",
    "mistral": "Mistral",
    "deepseek": "DeepSeek",
    "cohere": "Cohere",
    "ollama": "Ollama",
    "vllm": "vLLM",
}
UNKNOWN_PROVIDER = _("The AI provider")

HINTS = (
    # In this order: the first that is mentioned.
    ("openai-compat", ("openai-compat", "openai compatible")),
    ("azure", ("azure openai", "azure-openai", "openai.azure.com", "azure")),
    ("openrouter", ("openrouter",)),
    ("bedrock", ("aws bedrock", "bedrock")),
    ("vercel", ("vercel",)),
    ("anthropic", ("anthropic", "claude")),
    ("google", ("google", "gemini", "vertex")),
    ("groq", ("groq",)),
    ("mistral", ("mistral",)),
    ("deepseek", ("deepseek",)),
    ("cohere", ("cohere",)),
    ("ollama", ("ollama",)),
    ("openai", ("openai",)),
)

SENTENCES = {
    ErrorKind.OVERLOADED: _("{provider} is overloaded at the moment."),
    ErrorKind.RATE_LIMIT: _("{provider} is limiting how many requests it takes."),
    ErrorKind.TIMEOUT: _("{provider} could not be reached, or did not answer in time."),
    ErrorKind.STREAM_SILENCE_TIMEOUT: _("{provider} stopped sending its answer."),
    ErrorKind.AUTH: _("{provider} did not accept the key or its permissions."),
    ErrorKind.CONFIG: _(
        "{provider} rejected the model's settings or the size of the chat."
    ),
    ErrorKind.USAGE_LIMIT: _("The usage limit at the provider has been reached."),
    ErrorKind.MISSING_KEY: _("No key is set up for this model."),
    ErrorKind.PROVIDER_DISABLED: _("{provider} has been switched off."),
    ErrorKind.CONTENT_FILTER: _(
        "{provider} blocked this answer under its content policy."
    ),
    ErrorKind.GENERIC: _("{provider} returned an unexpected error."),
}
UNEXPECTED = _("The request failed unexpectedly.")
"""Of an unknown error that no provider answered with."""
REJECTED = _("The model's settings or the size of the chat were rejected.")
"""By whom is not known where no provider answered: it may have been this deployment."""

ADVICE = {
    ErrorKind.OVERLOADED: _("Try again in a few minutes, or switch to another model."),
    ErrorKind.RATE_LIMIT: _("Wait a little before you try again."),
    ErrorKind.TIMEOUT: _(
        "Try again. If it happens again, check the provider's status page."
    ),
    ErrorKind.STREAM_SILENCE_TIMEOUT: _("Try again, or switch to another model."),
    ErrorKind.AUTH: _("An administrator should check the key and what it may do."),
    ErrorKind.CONFIG: _(
        "Switch to another model, shorten the chat, or ask an administrator."
    ),
    ErrorKind.USAGE_LIMIT: _("An administrator should check budget and billing."),
    ErrorKind.MISSING_KEY: _(
        "An administrator should set the key's environment variable."
    ),
    ErrorKind.PROVIDER_DISABLED: _("Switch to another model, or ask an administrator."),
    ErrorKind.CONTENT_FILTER: _("Put it in other words."),
    ErrorKind.GENERIC: _(
        "Try again. If it happens again, report it with its debug run."
    ),
}


_added_hints: dict[str, tuple[str, ...]] = {}


def add_provider(name: str, *, subject: str, mentions: tuple[str, ...] = ()) -> None:
    """Let sentences name a provider that is not in this table.

    ``subject`` is how they begin, for example "The demo provider". ``mentions`` are words
    of an error's text, in lower case, that tell of it; they come before those above.
    """
    PROVIDERS[name] = subject
    _added_hints[name] = mentions


def detect_provider(text: str) -> str:
    """Return the provider that a text mentions, or an empty string."""
    text = text.lower()
    for provider, words in (*_added_hints.items(), *HINTS):
        if any(word in text for word in words):
            return provider
    return ""


def sentence(kind: ErrorKind, *, provider: str, status_code: int | None) -> str:
    """Return the sentence for the user: what happened. Never a status code in it."""
    if status_code is None and kind in (ErrorKind.GENERIC, ErrorKind.CONFIG):
        return str(UNEXPECTED if kind is ErrorKind.GENERIC else REJECTED)
    said = str(SENTENCES.get(kind, SENTENCES[ErrorKind.GENERIC]))
    return said.format(provider=PROVIDERS.get(provider, UNKNOWN_PROVIDER))


def advice(kind: ErrorKind) -> str:
    """Return the sentence for the user: what helps."""
    return str(ADVICE.get(kind, ADVICE[ErrorKind.GENERIC]))
