"""A provider that is not one: it answers, or fails, as the model's name says.

It speaks OpenAI's chat completions and Anthropic's messages on a socket of its own, so
that the chat can be seen, shown and tested without a key or a network, through the real
SDKs, HTTP client and wire protocols.

What a client sees through pydantic-ai when it streams (tests hold it to this)::

    demo, demo-slow, demo-long  an answer with finish reason "stop" and usage
    fault-400, fault-422        ModelRequestRejectedError, of no known kind
    fault-400-tool-pair, fault-400-empty, fault-400-schema, fault-400-window
                                the same, always in the same words: the site makes the
                                request faulty for these
    fault-400-context           ModelContextWindowExceededError
    fault-401, fault-403        ModelAuthenticationError
    fault-401-echo-key          the same, with the key in its text
    fault-404                   ModelNotFoundError, as for any unknown model
    fault-429                   ModelRateLimitError, retry_after 1
    fault-429-then-ok           the same once for each conversation, then an answer
    fault-quota                 ModelQuotaExceededError (OpenAI: 429, Anthropic: 400)
    fault-500                   ModelServerError
    fault-500-then-ok           the same once for each conversation, then an answer
    fault-529                   ModelOverloadedError
    fault-html-502              ModelServerError with the page as its body
    fault-html-200              UnexpectedModelBehavior, without the page
    fault-huge-400              ModelRequestRejectedError with a text of 20 MB
    fault-reset                 ModelConnectionError in phase "read"
    fault-hang                  nothing, until it gives up
    fault-stall                 some text, then nothing, until it gives up
    fault-cut                   some text, then ModelConnectionError in phase "read"
    fault-eof                   some text, then the end without a finish reason: Anthropic
                                says None; OpenAI says "stop", unless the model's profile
                                requires a reason: then ModelAPIError
    fault-badjson               some text, then ModelAPIError
    fault-instream-overloaded   some text, then ModelOverloadedError with in_stream
    fault-filter                finish reason "content_filter" and no text
"""

from chatd.demo_provider.models import DEMO_MODELS, DemoModel
from chatd.demo_provider.observer import Observer, SeenRequest
from chatd.demo_provider.server import DemoProvider

__all__ = ["DEMO_MODELS", "DemoModel", "DemoProvider", "Observer", "SeenRequest"]
