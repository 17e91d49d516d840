"""The models of the demo provider: the name chooses what happens."""

from dataclasses import dataclass, field

from chatd.demo_provider.behaviours import (
    Behaviour,
    Fail,
    Finish,
    Garble,
    Page,
    Reset,
    Silence,
    answer,
    answer_at_length,
    answer_late,
    begin_then,
    only,
    refuse_first,
    refuse_hugely,
)
from chatd.demo_provider.wire import Fault, FinishReason

# Words that no rule about known errors looks for: these must stay of no known kind.
_UNKNOWN_400 = "The ballast of segment 3 does not match its envelope."
_GENERIC_400 = "The request is not valid."
_UNKNOWN_422 = "The envelope is well formed, but its seal is of another season."

_BAD_GATEWAY = Page(
    502,
    "<html><head><title>502 Bad Gateway</title></head><body>"
    "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>",
)
_LOGIN_PAGE = Page(
    200,
    "<!doctype html><html><head><title>Sign in to the network</title></head>"
    "<body><h1>Sign in to the network</h1><p>Then try again.</p></body></html>",
)


@dataclass(frozen=True)
class DemoModel:
    """One model: its name, what it does in one plain sentence, and how it does it."""

    name: str
    description: str
    behaviour: Behaviour = field(repr=False)
    context_window: int | None = None
    """In tokens, where it is known to be small."""


DEMO_MODELS: tuple[DemoModel, ...] = (
    DemoModel("demo", "Repeats what you wrote, word by word.", answer),
    DemoModel("demo-slow", "Says its first word after five seconds.", answer_late),
    DemoModel("demo-long", "Gives an answer of several pages.", answer_at_length),
    DemoModel(
        "fault-400",
        "Rejects the request with an error that nobody has seen before.",
        only(Fail(Fault.INVALID, _UNKNOWN_400)),
    ),
    DemoModel(
        "fault-400-tool-pair",
        "Rejects a chat with a call of a tool that has no result.",
        only(Fail(Fault.INVALID, _GENERIC_400)),
    ),
    DemoModel(
        "fault-400-empty",
        "Rejects a chat with an answer that says nothing.",
        only(Fail(Fault.INVALID, _GENERIC_400)),
    ),
    DemoModel(
        "fault-400-schema",
        "Rejects a request with a tool whose schema is none of an object.",
        only(Fail(Fault.INVALID, _GENERIC_400)),
    ),
    DemoModel(
        "fault-400-window",
        "Rejects a chat that is too long, and does not say so.",
        only(Fail(Fault.INVALID, _GENERIC_400)),
        context_window=2_000,
    ),
    DemoModel(
        "fault-400-context",
        "Says that the chat is too long for the model.",
        only(Fail(Fault.CONTEXT_TOO_LONG)),
    ),
    DemoModel("fault-401", "Rejects the API key.", only(Fail(Fault.KEY_REJECTED))),
    DemoModel(
        "fault-401-echo-key",
        "Rejects the API key and repeats it in the error's text.",
        only(Fail(Fault.KEY_ECHOED)),
    ),
    DemoModel(
        "fault-403", "Denies the permission to use it.", only(Fail(Fault.FORBIDDEN))
    ),
    DemoModel(
        "fault-404",
        "Says that there is no model of this name.",
        only(Fail(Fault.UNKNOWN_MODEL)),
    ),
    DemoModel(
        "fault-422",
        "Cannot process the request, for a reason that nobody has seen before.",
        only(Fail(Fault.UNPROCESSABLE, _UNKNOWN_422)),
    ),
    DemoModel(
        "fault-429",
        "Limits the rate of requests, every time.",
        only(Fail(Fault.RATE_LIMITED, retry_after=1)),
    ),
    DemoModel(
        "fault-429-then-ok",
        "Limits the rate once, then answers.",
        refuse_first(Fault.RATE_LIMITED, retry_after=1),
    ),
    DemoModel(
        "fault-quota",
        "Says that the account has used up its quota.",
        only(Fail(Fault.QUOTA_EXHAUSTED)),
    ),
    DemoModel(
        "fault-500",
        "Fails with an error of the server, every time.",
        only(Fail(Fault.SERVER_ERROR)),
    ),
    DemoModel(
        "fault-500-then-ok",
        "Fails with an error of the server once, then answers.",
        refuse_first(Fault.SERVER_ERROR),
    ),
    DemoModel("fault-529", "Is overloaded, every time.", only(Fail(Fault.OVERLOADED))),
    DemoModel(
        "fault-html-502",
        "Answers with the error page of a proxy that cannot reach the provider.",
        only(_BAD_GATEWAY),
    ),
    DemoModel(
        "fault-html-200",
        "Answers with a web page that claims success.",
        only(_LOGIN_PAGE),
    ),
    DemoModel(
        "fault-huge-400",
        "Rejects the request with an error text of 20 MB.",
        refuse_hugely,
    ),
    DemoModel(
        "fault-reset", "Resets the connection instead of answering.", only(Reset())
    ),
    DemoModel("fault-hang", "Never answers.", only(Silence())),
    DemoModel(
        "fault-stall",
        "Begins an answer and then falls silent for ever.",
        begin_then(Silence()),
    ),
    DemoModel(
        "fault-cut",
        "Begins an answer and then resets the connection.",
        begin_then(Reset()),
    ),
    DemoModel(
        "fault-eof",
        "Begins an answer and then ends the stream as if that were all.",
        begin_then(),
    ),
    DemoModel(
        "fault-badjson",
        "Sends malformed JSON in the middle of an answer.",
        begin_then(Garble(), Finish()),
    ),
    DemoModel(
        "fault-instream-overloaded",
        "Begins an answer and then reports that it is overloaded.",
        begin_then(Fail(Fault.OVERLOADED)),
    ),
    DemoModel(
        "fault-filter",
        "Refuses to answer, for its content policy.",
        only(Finish(FinishReason.FILTERED)),
    ),
)
