"""Rejections whose cause is not in the request, so that no rule may name one."""

import re

from chatdebug.enums import ErrorKind

OTHER_KINDS = frozenset(ErrorKind.values) - {ErrorKind.GENERIC, ErrorKind.CONFIG}
"""Kinds of errors that are about the provider, the account or the content."""

ELSEWHERE = re.compile(
    r"must be verified|verify (?:your )?organization|"
    r"credit balance|insufficient (?:credits|balance|funds|quota)|"
    r"requires more credits|(?<!-)\bbilling\b|current quota|usage limits|"
    r"(?:account|organization) (?:\S+ ){0,3}(?:not active|disabled|suspended|deactivated)|"
    r"account is not authorized|good standing|"
    r"api.?key (?:is )?(?:not valid|invalid|expired)|invalid api.?key|"
    r"(?:not|n.t) have access to|access (?:is )?denied|model access|not authorized to|"
    r"(?:tokens|requests) per (?:min|day)|"
    r"not (?:yet )?available (?:for|to) (?:this|your) \w+|"
    r"location is not supported|country, region|data policy|"
    r"not (?:supported|available) in (?:your|this|the) (?:region|country|location)|"
    r"on-demand throughput|inference profile|decommissioned|end of its life|"
    r"\bmodels?[ /](?:\S{1,100} )?(?:(?:is|was|has been) )?"
    r"(?:does not exist|not (?:found|exist)|no longer (?:available|supported)|"
    r"deprecated|retired|removed|shut ?down|discontinued|sunset|unavailable)|"
    r"publisher model\b|"
    r"(?:requested|provided|specified) model (?:\S+ )?is not (?:supported|available)|"
    r"model (?:identifier|id) is (?:invalid|not valid)|not a valid model|"
    r"no endpoints (?:found )?(?:matching|available|for\b)|"
    r"not supported for \w+content|not a chat model|doesn.t support the model|"
    r"only supported in v1/|does not work with the specified model|"
    r"content management policy|content exists risk|content.?filter|usage polic|"
    r"safety (?:system|filter|reasons|checks)|flagged (?:as|by|for)|"
    r"data.?inspection|inappropriate content|"
    # What the model itself wrote, which the provider could not read.
    r"tool call validation failed|failed to call a function|failed_generation|"
    r"failed to (?:generate|validate) json|attempted to call tool|"
    r"but (?:the )?model (?:called|did not call)"
)


def is_elsewhere(said: str) -> bool:
    """Return whether a provider says, in small letters, that it is not in what was sent.

    It may be in the account, its region or its plan, in a model that is gone, in content
    that was refused, or in what the model answered.
    """
    return ELSEWHERE.search(said) is not None
