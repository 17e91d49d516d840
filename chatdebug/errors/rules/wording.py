"""Rules about phrases with which providers begin their errors, whatever the status."""

import re

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, phrases
from chatdebug.errors.rules.structure import NO_CAPACITY, RATE_LIMIT_WORDS

BLOCKED: tuple[Rule, ...] = (
    Rule(
        "lead.content_filter",
        ErrorKind.CONTENT_FILTER,
        lead=phrases(r"""
            content management policy
            content filtering polic
            (?:blocked|filtered|flagged|rejected) (?:by|under|as a result of|due to) (?:\w+ ){0,3}(?:content|safety|moderation|usage polic)
            violat\w+ (?:of )?(?:\w+ ){0,3}(?:(?:content|usage|safety) (?:polic|guideline)|guardrails)
            (?:content|moderation|safety) (?:filter|measure|system)s?[^.]{0,20} (?:blocked|flagged|rejected)
            \bblock(?:ed)?[ _]?reason\W{0,3}(?:blocklist|prohibited|safety|spii)
            flagged as potentially violating
            rejected (?:by|as a result of) (?:\w+ ){0,2}safety system
            output blocked by content filtering
            content exists risk
            inappropriate content
            requires moderation
            violation of (?:\w+ ){0,3}(?:terms of (?:service|use)|polic)
            limited access to this content for safety
            """),
    ),
)
"""Tried before the classes: some providers refuse content with 403, as they refuse keys."""

PHRASES: tuple[Rule, ...] = (
    # Said with any status, because providers give 400 to almost everything.
    Rule(
        "lead.invalid_key",
        ErrorKind.AUTH,
        lead=phrases(r"""
            (?:invalid|incorrect|missing|expired|wrong|no) (?:x-)?api[- _]?key
            invalid_api_key
            api[- ]?key (?:is |was )?(?:not (?:valid|found|provided)|invalid|missing|expired|disabled|required|revoked)
            authentication (?:failed|error|required|fails)
            could not (?:be )?authenticate
            invalid (?:bearer|access|auth\w*|api) token
            ^invalid token\.?$
            (?:^|: )token (?:has |is )?expired\b
            (?:bearer|access|security|auth\w*) token (?:included in the request )?(?:is |has )?(?:invalid|expired|missing)
            invalid (?:credentials|username or password|subscription key)
            (?:access denied|unauthorized)[ .,]*(?:due to|to access|$)
            do(?:es)? not have (?:access to the model with|permission|the required permission)
            (?:is|are) not (?:allowed|authorized|entitled|permitted) to (?:perform|access|call|invoke|use)
            ^operation not allowed\.?$
            you don'?t have access to the model with the specified model id
            unable to locate credentials
            \bno (?:\w+_)?(?:access[_ ]key\w*|credentials?) (?:provided|found|given|configured)
            \bapi_key client option must be set\b
            \bset the (?:\S+_api_key )?environment variable or pass\b
            """),
    ),
    Rule(
        "lead.context",
        ErrorKind.CONFIG,
        lead=phrases(r"""
            maximum context length
            context[ _](?:length|window|size)[ _]?(?:is |was |has been )?(?:exceed|too)
            context_exceeded
            (?:prompt|input|request|conversation|message)s? (?:is |are )?too (?:long|large)
            exceeds? the (?:model'?s |maximum )?(?:available )?(?:maximum )?(?:number of tokens|context|token limit|input)
            token count.{0,40}exceeds
            too many (?:input )?tokens(?! per| in the last)[^.]{0,20}(?:limit|maximum|allowed|context)
            input is too long
            reduce the length of
            (?:input|prompt|inputs) tokens?.{0,60}(?:must be|exceed|greater than|longer than).{0,40}(?:\d|limit|context)
            (?:exceeds?|(?:larger|longer|greater) than) (?:the )?(?:model'?s )?(?:maximum )?(?:context|n_ctx)
            maximum tokens you requested exceed
            range of (?:input|prompt) length should be
            string too long. expected a string with maximum length \d{5}
            expected maxlength: \d{5}
            tokens \+ \S* ?must be <=
            request (?:payload|body) size exceeds
            request (?:body|entity|payload) (?:is )?too large
            """),
    ),
    Rule(
        "lead.model",
        ErrorKind.CONFIG,
        lead=phrases(r"""
            invalid model(?! (?:output|response))
            model[ _]not[ _](?:found|exist)
            unsupported model
            unknown model
            no such model
            (?:model|deployment|engine)(?! (?:output|response|call|answer|return|produce|generate|did|tool|function))(?: (?:for this resource|\S+)){0,2} (?:does not exist|not found|was not found|is not found|(?:has been|was) (?:deprecated|decommissioned|retired|removed)|is deprecated|could not be found|is not available)
            model (?:identifier|id|name) is (?:invalid|not valid|incorrect)
            not a valid model(?: id| name)?
            model is not (?:available|supported|found|enabled|ready)
            \bmodels?/\S+ is not (?:found|supported)
            publisher model\b.{0,200}not found
            try pulling it first
            no endpoints (?:found|available)
            no (?:allowed )?providers (?:are )?available for
            no models? (?:is |are )?(?:currently )?loaded
            llm provider not provided
            model \S+ is not supported (?:for|by|on)\b
            unable to access (?:\S+ )?model\b
            invocation of model id\b.{0,100}with on-demand throughput isn.t supported
            marked by provider as legacy
            """),
    ),
    Rule(
        "lead.unsupported",
        ErrorKind.CONFIG,
        lead=phrases(r"""
            (?:not|isn't|aren't) supported (?:with|by|on|for|in) (?:this|the|your) (?:\w+ )?(?:model|api|endpoint|version|deployment|region)
            (?:model|endpoint) (?:\S+ )?(?:doesn't|does not|do not|can't) support
            only supported (?:by|for|on|with) (?:certain|some) models
            does not support (?:tools|image|chat|completions?|system|streaming|function|parallel|parameters|thinking|vision|audio|reasoning|embed)
            supported in (?:the )?v1/
            not (?:yet )?(?:available|enabled) (?:for|on|in) (?:models?/|(?:this|your) (?:subscription|account|organization|project|region|tier|plan))
            property \S* ?is unsupported
            unexpected value\(s\).{0,60}anthropic-beta
            unknown parameter
            unsupported (?:parameter|value)
            unrecognized (?:request )?(?:argument|parameter|field)
            (?:supported|allowed|valid) range (?:is|for|of)\b
            \b(?:temperature|top_p|top_k|max_\w*tokens|budget_tokens|seed)\b[^.]{0,60}(?:must be|should be|out of range|range|greater than|less than|at most|may only be|cannot both)
            location is not supported
            requires more (?:system )?memory
            malformed config
            resolve aws credentials
            max_tokens[^.]{0,40}(?:too large|exceeds|greater|> \d)
            supports at most
            invalid api version|api version not supported
            (?:does not|doesn't) support (?:the model|this api)
            """),
        # What is asked of the history is no matter of settings.
        unless_head=phrases(r"""
            prefill
            conversation must
            last (?:turn|message)
            the following must be satisfied
            """),
    ),
    Rule(
        "lead.extra_field",
        ErrorKind.CONFIG,
        lead=phrases(r"extra inputs are not permitted"),
        # A field of the history or of a tool, not of the settings.
        unless_head=phrases(r"\b(?:messages?|tools?|input|content)\W?[.\[]"),
    ),
    Rule(
        "lead.wrong_endpoint",
        ErrorKind.CONFIG,
        lead=re.compile(r"^resource not found\.?$", re.MULTILINE),
        statuses=frozenset({404}),
    ),
    Rule(
        "lead.proxy_reset",
        ErrorKind.TIMEOUT,
        retryable=True,
        lead=phrases("upstream connect error or disconnect/reset before headers"),
    ),
    Rule(
        "lead.router_cooldown",
        ErrorKind.RATE_LIMIT,
        retryable=True,
        lead=phrases("no deployments available for selected model"),
    ),
    Rule(
        "lead.no_capacity",
        ErrorKind.OVERLOADED,
        retryable=True,
        unless_head=RATE_LIMIT_WORDS,
        lead=NO_CAPACITY,
        statuses=frozenset({424, 429, 500, 502, 503, 529}),
    ),
)
