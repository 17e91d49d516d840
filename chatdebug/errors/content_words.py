"""The fields and the phrases by which content in an error's text is known."""

import re

CONTENT_FIELDS = frozenset(
    re.findall(
        r"\w+",
        """
        actual answer args arguments choices_text completion completions content contents
        context conversation ctx delta doc document documents excerpt failed_generation
        generated_content generated_text generation given got history input input_text
        input_value inputs instance instructions last_completion llm_output match matched
        messages observation original output output_text outputs parts payload prompt
        prompts q query question raw_output raw_response raw_text reasoning
        reasoning_content received refusal said snippet system system_prompt text texts
        thinking tool_calls tool_input transcript user_input user_message value values
        """,
    )
)
"""Fields whose value is content whatever it looks like."""
WORDS_FIELDS = frozenset(
    re.findall(
        r"\S+",
        """
        cause debug_message description detail details error error_description
        error_message errormessage err hint help message Message msg raw reason status
        summary title statusText
        """,
    )
)
"""Fields in which a provider says what is wrong, in its own words."""
FACT_FIELDS = frozenset(
    re.findall(
        r"\S+",
        """
        @type __type class code domain error_code error_type errorcode exception expected
        field finish_reason finishreason id kind limit loc location model model_name
        object param parameter path plan policy property provider provider_name llm_provider
        quotaid quotametric quotaunit quotavalue region request-id request_id requestid
        retry_after retrydelay role service severity stop_reason tier type url version name
        """,
    )
)
"""Fields with a name or a code; anything else that stands there goes."""
CODE = re.compile(r"[\w.:/@+#$%*=\[\]<>|&{}()!,-]{0,80}", re.ASCII)
"""What a name, a code, a parameter or a type looks like."""
IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,60}", re.ASCII)
ERROR_DATA = re.compile(
    r"^\s*[\[{].{0,400}?[\"'](?:error|message|detail|msg|code|errors|type|status|reason|object|choices|candidates|"
    r"promptFeedback|blockReason)\\*[\"']\s*:",
    re.DOTALL,
)
REASON = (
    r"(?:(?:\w+ ){0,4}(?:should (?:be|have|match)|must (?:be|have|match|not|contain|"
    r"alternate)|(?:is|are) (?:required|too|not (?:an?|allowed|supported|valid|permitted))|"
    r"cannot be|can't be)|(?:field )?required\b|value is not|length\b|extra inputs|"
    r"expected (?:an?|one of)\b|`|\d+ validation error)"
)
"""A field's name and a colon also begin what a provider has to say about that field."""
KEPT_VALUE = re.compile(
    r"(?:None|null|true|false|True|False|\[\]|\{\}|\(\)|-?\d[\d.eE+-]*)(?=[\s,;)\]}]|$)"
    rf"|{REASON}",
    re.IGNORECASE,
)
"""Values that hold no words, and what a provider says of the field that it has named."""
ANNOUNCED = (
    r"(?<![\w.\]/-])(?:"
    r"(?:you sent|(?:you|user|model|assistant) (?:said|wrote|asked|answered|replied))\s?:"
    r"|(?:invalid|malformed|bad|broken) json (?:output|response|object|string|text|body|answer)\s?:"
    r"|could not parse [\w ]{0,40}(?:output|response|answer|reply|completion|text)[\w ]{0,20}:"
    r"|(?:failed|unable) to parse \S{1,80} from (?:the )?(?:completion|output|response|answer)"
    r"|(?:but )?got(?: back)?\s?:(?! \d+ validation error)"
    r"|following (?:sentences?|words?|texts?|phrases?|parts?|terms?|entities|claims?)"
    r"[^:\n]{0,80}:"
    r"|messages\s?:\s?(?=[\[{(])"
    r"|on instance(?:\[[^\]\n]{0,80}\])*\s?:"
    r"|(?:raw|full|model|llm|assistant|generated|partial|tool|last|original|unparsed|actual)"
    r" (?:response|message|content|string|data)(?: was| is)?\s?:"
    rf"|(?:outputs?|answer|reply|completion|generation|transcript|question|prompt|query|"
    rf"input|text|contents?|arguments|(?:we )?received(?: input| text)?|body|user message)"
    rf"(?: was| is| text| body)?\s?:(?=\s)\s?+(?!{REASON})"
    r")\s?"
)
QUOTED_VALUE = (
    r"(?:\bto (?:float|int|decimal|date)|base \d+|isoformat string|time data|url type|"
    r"\b(?:input|prompt|message|query|text|content|question|answer|reply|output|"
    r"completion|word|phrase|sentence|term|keyword|string|got|received))s?"
    r"(?: (?:was|is|contains?|containing|value))?\s?[:=]?\s?(?=\\*[\"'`“])"
)
"""Words after which even a single quoted word is content."""
TRANSPORT_ERROR = (
    r"\b(?:\w*Connect\w*Error|(?:Protocol|\w*Timeout|SSL\w*|MaxRetry|OS|gai|Proxy|"
    r"NameResolution|BrokenPipe|LocationParse|Certificate)Error|RemoteDisconnected)\("
)
"""Errors of transports, as others print them: they say what failed, and no content."""
CONSTANT = re.compile(
    r"\d{3} [A-Z][A-Za-z' -]{1,40}|\[SSL\b.{1,200}|EOF occurred in .{1,80}"
    r"|Not enough data to satisfy .{1,60}"
)
"""What libraries quote of their own: a status line, the reasons of OpenSSL and aiohttp."""
REFUSED_VALUE = re.compile(
    r"\s(?:is not (?:of type|valid under|one of|a valid|a multiple|a ')|does not match|"
    r"was expected|(?:was|is|has been) (?:flagged|blocked|rejected|filtered)|"
    r"is not valid json|could not be (?:parsed|converted|decoded))",
    re.IGNORECASE,
)
"""What a validator says of the value that it has just quoted."""
NEXT_PLACE = re.compile(
    r"(?P<page><(?:!doctype|html|head|body|title)\b)"
    r"|(?P<tag><(?:completion|prompt|input|output|answer|text|content|messages?|document|thinking)>)"
    r"|(?P<field>\\*[\"'][\w@$.-]{1,60}\\*[\"']\s{0,3}(?::|=>)\s{0,3})"
    rf"|(?P<caused>{TRANSPORT_ERROR}(?=\\*[\"']))"
    r"|(?P<value_first>\A(?:\{|\[(?=\s*[\"'{\[])))"
    rf"|(?P<announced>{ANNOUNCED})"
    r"|(?P<keyword>(?<![\w.?&%-])[A-Za-z_]{1,40}\s?=\s?(?![\s=]))"
    rf"|(?P<value>{QUOTED_VALUE})"
    r"|(?P<address>(?:https?://|(?<![\w/.<])/(?=[^\s\"'<>]*\?))[^\s\"'`<>)\\]{1,2000})"
    r"|(?P<quoted>\\*(?:\"|(?<!\w)b?'|(?<!`)`(?!``)|[“«「]))"
    r"|(?P<long>(?<!\S)[^\s\"']{200,})",
    re.IGNORECASE,
)
