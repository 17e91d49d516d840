"""Responses of OpenAI's SDK, as a stream."""

from openai import OpenAI

from chatdebug import instrument_openai
from chatdebug.cassettes.playing import PlayedCall


def ask(call: PlayedCall) -> None:
    """Make the call that failed, and read its answer."""
    with OpenAI(
        base_url=f"{call.base_url}/v1",
        api_key="offline",
        max_retries=0,
        timeout=call.timeout,
    ) as client:
        instrument_openai(client)
        for _ in client.responses.create(**call.request, stream=True):
            pass
