"""The names of providers in sentences, and the words that tell of them in errors."""

from django.utils.translation import gettext_lazy as _

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
STATUS_PAGES = {
    "openai": "https://status.openai.com/",
    "azure": "https://azure.status.microsoft/",
    "anthropic": "https://status.anthropic.com/",
    "google": "https://status.cloud.google.com/",
    "bedrock": "https://health.aws.amazon.com/health/status",
    "openrouter": "https://status.openrouter.ai/",
    "vercel": "https://www.vercel-status.com/",
    "groq": "https://groqstatus.com/",
    "mistral": "https://status.mistral.ai/",
    "deepseek": "https://status.deepseek.com/",
    "cohere": "https://status.cohere.com/",
}
"""Where providers themselves say how they are."""
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

_added_hints: dict[str, tuple[str, ...]] = {}


def add_provider(name: str, *, subject: str, mentions: tuple[str, ...] = ()) -> None:
    """Let sentences name a provider that is not in this table.

    ``subject`` is how they begin, for example "The demo provider". ``mentions`` are words
    of an error's text, in lower case, that tell of it; they come before those above.
    """
    PROVIDERS[name] = subject
    _added_hints[name] = mentions


def subject_of(provider: str) -> str:
    """Return what a sentence about a provider begins with."""
    return str(PROVIDERS.get(provider, UNKNOWN_PROVIDER))


def inside_of_sentence(provider: str) -> str:
    """Return what a provider is called where a sentence does not begin with it."""
    subject = subject_of(provider)
    return subject[:1].lower() + subject[1:] if subject.startswith("The ") else subject


def detect_provider(text: str) -> str:
    """Return the provider that a text mentions, or an empty string."""
    text = text.lower()
    for provider, words in (*_added_hints.items(), *HINTS):
        if any(word in text for word in words):
            return provider
    return ""
