"""The demo provider, once for each protocol: the server of ``chatd.demo_provider``.

It is not a language model, and everything that shows it says so.
"""

from chatd.demo_provider import DemoProvider
from chatd.llm.providers import anthropic, openai
from chatd.llm.providers.base import Connection, Provider
from chatd.llm.providers.openai_compatible import compatible_model
from chatd.llm.wire.anthropic import AnthropicWire
from chatd.llm.wire.openai import OpenAIWire
from chatdebug.errors import ProviderDisabledError

KEY = "demo-key-that-opens-nothing"
SUBJECT = "The demo provider"

_server: DemoProvider | None = None


def set_demo_provider(server: DemoProvider | None) -> None:
    """Set the server that the models of this process talk to; None: there is none."""
    global _server
    _server = server


def _running_server() -> DemoProvider:
    if _server is None:
        raise ProviderDisabledError("The demo provider does not run here.")
    return _server


DEMO = Provider(
    name="demo",
    label="Demo provider",
    build_model=compatible_model,
    sdk=openai.SDK,
    wire=OpenAIWire,
    subject=SUBJECT,
    is_demo=True,
    connect=lambda: Connection(_running_server().openai_base_url, KEY),
)
DEMO_ANTHROPIC = Provider(
    name="demo_anthropic",
    label="Demo provider, Anthropic protocol",
    build_model=anthropic.messages_model,
    sdk=anthropic.SDK,
    wire=AnthropicWire,
    subject=SUBJECT,
    is_demo=True,
    connect=lambda: Connection(_running_server().anthropic_base_url, KEY),
)
PROVIDERS = [DEMO, DEMO_ANTHROPIC]
