"""Scores the linter against requests that were rejected, and why they were.

Two sets, both reconstructed after what the error or its report says. ``rejected``: by who
wrote the rules, for errors of ``collected_errors.json`` and ``provider_errors.json``, in
the JSON of OpenAI and Anthropic. ``reported``: by somebody who had not seen the rules, for
public reports, as pydantic-ai has them. Half of each was kept apart, by the checksums of
their ids, until the rules were finished and scored once.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, cast

from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from chatdebug.errors import build_facts, classify_facts
from chatdebug.errors.content import storable_text
from chatdebug.errors.provider_names import detect_provider
from chatdebug.evidence.requests import HeldRequest, ModelRequest
from chatdebug.instrument.wire_held import WireRequest
from chatdebug.linter import Finding, likely_causes
from tests.accuracy.scoring import load

FILE = "rejected_requests.json"
REPORTED = "reported_requests.json"
ERRORS = ("collected_errors.json", "provider_errors.json")
PIECE = "Lorem ipsum "
GENERIC = "The request is not valid."


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request, the error that it was answered with, and what was wrong with it."""

    id: str
    held: HeldRequest
    error: dict[str, Any]
    """As it is stored at the errors level."""
    causes: tuple[str, ...]
    """Ids of rules, any of which is right; one that there is none of stays unknown."""
    window: int | None = None
    is_elsewhere: bool = False
    """Whether nothing is wrong with the request, but with an account, say."""

    @property
    def is_apart(self) -> bool:
        """Whether it was not looked at until the rules had been scored."""
        return bool(zlib.crc32(self.id.encode()) % 2)

    def findings(self, *, in_full: bool = False) -> tuple[Finding, ...]:
        """Return what the linter finds in its shape, or in what is kept of it in full."""
        kept = self.held.normalised() if in_full else {}
        shape = None if in_full else self.held.shape(window=self.window)
        return likely_causes(kept, shape, self.error) or ()

    def verdict(self, *, in_full: bool = False) -> str:
        """Return ``right``, ``wrong`` or ``none``: what the first cause is."""
        found = self.findings(in_full=in_full)
        if not found:
            return "none"
        return "right" if found[0].rule.id in self.causes else "wrong"


@cache
def rejected() -> tuple[Rejected, ...]:
    """Return all requests."""
    errors = {case["id"]: case for name in ERRORS for case in load(name)}
    return tuple(
        Rejected(
            id=case["id"],
            held=WireRequest(partial(expanded, case["request"])),
            error=stored_error(errors[case["id"]]),
            causes=tuple(case["causes"]),
            window=case.get("window"),
        )
        for case in load(FILE)
    )


@cache
def reported() -> tuple[Rejected, ...]:
    """Return all requests of public reports; the id of each is where it was reported."""
    return tuple(
        Rejected(
            id=case["source"],
            held=model_request(case["request"]),
            error=stored_error(
                {
                    "provider": case["provider"],
                    "status_code": case["status"],
                    # Of a body the message is only what was read from it.
                    "message": "" if "body" in case else case["message"],
                    "response_body": json.dumps(case["body"]) if "body" in case else "",
                }
            ),
            causes=tuple(case["causes"]),
            is_elsewhere=case.get("is_elsewhere", False),
        )
        for case in load(REPORTED)
    )


def model_request(case: dict[str, Any]) -> ModelRequest:
    """Return a request of pydantic-ai's; of many tools the file has only the number."""
    messages = ModelMessagesTypeAdapter.validate_python(expanded(case["messages"]))
    settings = cast("ModelSettings", case.get("settings") or {})
    offered = dict(case.get("parameters") or {})
    tools = offered.pop("function_tools", [])
    if isinstance(tools, dict):
        schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        tools = [
            {"name": f"tool_{number}", "parameters_json_schema": schema}
            for number in range(tools["count"])
        ]
    output = offered.pop("output_object", None)
    parameters = ModelRequestParameters(
        function_tools=[ToolDefinition(**tool) for tool in tools],
        output_tools=[
            ToolDefinition(**tool) for tool in offered.pop("output_tools", [])
        ],
        output_object=OutputObjectDefinition(**output) if output else None,
        **offered,
    )
    return ModelRequest(messages, settings, parameters)


def structure_alone() -> dict[str, str]:
    """Return the verdicts of all requests as if each provider had said nothing of use."""
    silent = {"detail": GENERIC, "message": "", "status_code": 400}
    return {
        one.id: replace(one, error={**one.error, **silent}).verdict()
        for one in rejected()
    }


def stored_error(case: dict[str, Any]) -> dict[str, Any]:
    """Return an error of a file as the recorder keeps it without content."""
    provider = detect_provider(str(case.get("provider") or "")) or case["provider"]
    message = case.get("message") or ""
    found = classify_facts(
        build_facts(
            message=message,
            body=case.get("response_body") or "",
            status_code=case.get("status_code"),
            error_type=case.get("error_type") or "",
            error_code=case.get("error_code") or "",
            headers=case.get("headers") or {},
            provider=provider,
        )
    )
    return {
        "kind": found.kind.value,
        "provider": provider,
        "status_code": found.status_code,
        "detail": found.detail,
        "message": storable_text(message, 2_000),
        "chain": [],
    }


def expanded(value: Any) -> Any:
    """Return a request with its long texts and its files, which the file only measures.

    ``{"characters": 9}`` is a text, ``{"base64": 9}`` a file of nine bytes, and
    ``{"data_url": "image/png", "bytes": 9}`` one in a URL.
    """
    if isinstance(value, list):
        return [expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"characters"}:
        return (PIECE * (value["characters"] // len(PIECE) + 1))[: value["characters"]]
    if value.keys() == {"base64"}:
        return "A" * (value["base64"] * 4 // 3)
    if value.keys() == {"data_url", "bytes"}:
        return f"data:{value['data_url']};base64,{'A' * (value['bytes'] * 4 // 3)}"
    return {key: expanded(item) for key, item in value.items()}


@dataclass(frozen=True, slots=True)
class CauseScore:
    """How often the first cause is the true one."""

    name: str
    verdicts: dict[str, str]
    """By the id of the error."""

    @classmethod
    def of(
        cls, cases: Iterable[Rejected], *, is_apart: bool, in_full: bool = False
    ) -> "CauseScore":
        """Score one half of a set, without those in which nothing is wrong."""
        half = [
            one for one in cases if one.is_apart is is_apart and not one.is_elsewhere
        ]
        name = "first kept apart" if is_apart else "known while the rules were written"
        form = "in full" if in_full else "as shapes"
        return cls(
            f"{name}, {form}", {one.id: one.verdict(in_full=in_full) for one in half}
        )

    def share(self, verdict: str) -> float:
        """Return how many of the requests have this verdict, from 0 to 1."""
        return list(self.verdicts.values()).count(verdict) / max(len(self.verdicts), 1)

    def __str__(self) -> str:
        return (
            f"{self.name}: {len(self.verdicts)} requests, first cause right "
            f"{self.share('right'):.1%}, wrong {self.share('wrong'):.1%}, "
            f"none named {self.share('none'):.1%}"
        )
