"""Completions of LiteLLM as a stream, from a provider that speaks as OpenAI does."""

import litellm

from chatdebug import instrument_litellm
from chatdebug.cassettes.playing import PlayedCall


def ask(call: PlayedCall) -> None:
    """Make the call that failed, and read its answer."""
    instrument_litellm()
    stream = litellm.completion(
        **call.request,
        api_base=f"{call.base_url}/v1",
        api_key="offline",
        timeout=call.timeout,
        stream=True,
    )
    for _ in stream:
        pass
