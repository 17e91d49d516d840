"""Messages of Anthropic's SDK, as a stream."""

from anthropic import Anthropic

from chatdebug import instrument_anthropic
from chatdebug.cassettes.playing import PlayedCall


def ask(call: PlayedCall) -> None:
    """Make the call that failed, and read its answer."""
    with Anthropic(
        base_url=call.base_url, api_key="offline", max_retries=0, timeout=call.timeout
    ) as client:
        instrument_anthropic(client)
        for _ in client.messages.create(**call.request, stream=True):
            pass
