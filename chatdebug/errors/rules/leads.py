"""Rules about the phrases with which providers begin their errors.

They are searched in the lead, the first sentence without what it quotes: at that place no
prompt would stand.
"""

import re

from chatdebug.enums import ErrorKind
from chatdebug.errors.rules.base import Rule, phrases
from chatdebug.errors.rules.vocabulary import (
    NO_CAPACITY,
    PER_DAY,
    PER_MINUTE,
    RATE_LIMIT_WORDS,
    TRANSPORT_WORDS,
)

GATEWAY_STATUSES = frozenset({500, 502, 503, 504})

PROVIDER_DISABLED: tuple[Rule, ...] = (
    Rule(
        "lead.provider_disabled",
        ErrorKind.PROVIDER_DISABLED,
        lead=phrases(r"\bprovider_disabled\b"),
    ),
)

USAGE_LIMIT: tuple[Rule, ...] = (
    Rule(
        "lead.credit",
        ErrorKind.USAGE_LIMIT,
        lead=phrases(r"""
            insufficient_quota
            \bai budget of\b
            credit balance is too low
            insufficient (?:account )?(?:balance|credits?|funds)
            requires more credits
            requires (?:a )?(?:paid|positive) (?:balance|credits?)
            (?:out of|no remaining|no more) credits
            never purchased credits
            (?:budget|(?:spend(?:ing)?|usage|billing)(?: hard)? limits?) (?:has been |have been )?(?:exceeded|reached)
            exceeded your (?:current|monthly|usage) (?:quota|usage limit|spend limit)
            (?:reached|exceeded|hit) (?:its|my|our|the|their|your) (?:\w+ ){0,2}(?:usage|spend(?:ing)?|billing|budget|credit) (?:limits?|cap)\b
            (?:exceeded|used|used up|exhausted) (?:all )?(?:of )?(?:its|our|the|their|your|available|all) (?:\w+ ){0,3}credits
            (?:doesn't|does not|don't|do not) have (?:any|enough|sufficient) (?:\w+ ){0,2}(?:balance|credits?|funds|quota)
            (?:balance|credits?|quota|funds) (?:is|are) (?:not enough|insufficient|exhausted|used up)
            \bkey limit exceeded
            余额不足|额度不足|已欠费
            account is in arrears
            account (?:\S+ )?(?:is |was |has been )?(?:suspended|deactivated|blocked)\b.{0,40}\b(?:billing|insufficient|invoices?|overdue|pay(?:ment)?|spending)
            budget has been exceeded
            exceeded budget
            billing (?:is )?(?:disabled|not enabled|not active)
            (?:please enable billing|billing to be enabled)
            """),
        unless_head=phrases(r"""
            per[-_ ]?min(?:ute)?\b
            please retry in \d
            """),
    ),
    Rule(
        "lead.daily_quota",
        ErrorKind.USAGE_LIMIT,
        lead=re.compile(
            rf"(?=.*(?:rate limit|too many|quota|limited to|limit\b.{{0,40}}(?:exceeded|reached)))(?:.*(?:{PER_DAY.pattern}))",
            re.DOTALL,
        ),
    ),
)

ORGANIZATION: tuple[Rule, ...] = (
    # Keys, accounts and permissions.
    Rule(
        "lead.unverified_organization",
        ErrorKind.AUTH,
        lead=phrases(r"""
            organization must be verified
            organization has been (?:disabled|restricted)
            """),
    ),
)

CONTENT_FILTER: tuple[Rule, ...] = (
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
        unless_head=phrases(r"\b(?:messages?|tools?|input|content)\W?[.\[:]"),
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

GATEWAY_QUOTA: tuple[Rule, ...] = (
    Rule(
        "lead.gateway_quota",
        ErrorKind.USAGE_LIMIT,
        statuses=GATEWAY_STATUSES,
        lead=phrases(r"""
            \bquota\b[^.]{0,40}\b(?:exceeded|exhausted|reached|used up|insufficient)
            (?:exceeded|insufficient|exhausted|out of|no|not enough)\b[^.]{0,30}\bquota\b
            \b(?:usage|spending|credit|monthly|daily) limit (?:has been |was |is )?(?:exceeded|reached)
            payment required
            """),
        unless_head=phrases(rf"(?:{PER_MINUTE})|(?:{RATE_LIMIT_WORDS.pattern})"),
    ),
)

TRANSPORT: tuple[Rule, ...] = (
    Rule(
        "lead.transport",
        ErrorKind.TIMEOUT,
        retryable=True,
        unstructured=True,
        lead=TRANSPORT_WORDS,
    ),
    # Some gateways pass it on as the client's fault: then only what no prompt would say.
    Rule(
        "lead.transport_as_400",
        ErrorKind.TIMEOUT,
        retryable=True,
        statuses=frozenset({400, 424, 499}),
        lead=phrases(r"""
            \be(?:connreset|connrefused|timedout|pipe|ai_again)\b
            \bund_err_(?:socket|(?:connect|headers|body)_timeout)\b
            \b(?:read|dial|write) tcp \S+
            connection reset by peer
            \bsocket hang up$
            error sending request for url
            connection closed before message completed
            \bprematurecloseexception\b
            """),
    ),
)
