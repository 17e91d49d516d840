"""A POST by httpx, without an SDK."""

import httpx

from chatdebug import record_http
from chatdebug.cassettes.playing import PlayedCall


def ask(call: PlayedCall) -> None:
    """Make the call that failed, and take an HTTP error for one."""
    with record_http(httpx.Client(timeout=call.timeout)) as client, call.run.step():
        answer = client.post(f"{call.base_url}{call.path}", json=call.request)
        answer.raise_for_status()
