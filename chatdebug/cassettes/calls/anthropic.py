"""Messages of Anthropic's SDK."""

from anthropic import Anthropic

from chatdebug import instrument_anthropic
from chatdebug.cassettes.playing import PlayedCall


def ask(call: PlayedCall) -> None:
    """Make the call that failed."""
    with Anthropic(
        base_url=call.base_url, api_key="offline", max_retries=0, timeout=call.timeout
    ) as client:
        instrument_anthropic(client)
        client.messages.create(**call.request)
