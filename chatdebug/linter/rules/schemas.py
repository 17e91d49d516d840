"""The schemas of tools and answers: what providers refuse in them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from chatdebug.linter.request import Json, Request, walk
from chatdebug.linter.rule import (
    ANTHROPIC,
    GOOGLE,
    NO_TYPE,
    OPENAI,
    Finder,
    Place,
    Rule,
)

DEPTH = 10
QUOTED = re.compile(r"['\"`]([$A-Za-z]\w{1,40})['\"`]")
COMBINED = frozenset({"anyOf", "oneOf", "allOf"})
NO_SCHEMA = frozenset({"text", "number", "list"})
"""What may be in the place of a schema, by the words of ``chatdebug.evidence.omitted``."""
PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""A name of a property that Anthropic takes."""


def _where(holds: Callable[[Json], bool]) -> Finder:
    """Return what finds the schemas with such a node, at any depth."""
    return lambda request: (
        Place(tool=name)
        for name, schema, _strict in request.schemas
        if any(holds(node) for node, _depth in walk(schema))
    )


def _no_object(request: Request) -> Iterator[Place]:
    for tool in request.tools:
        if tool.schema is not None and tool.schema.get("type") != "object":
            found = tool.schema.get("type", NO_TYPE)
            yield Place(tool=tool.name, type=found if isinstance(found, str) else "")


def _without_items(node: Json) -> bool:
    return _is_of(node, "array") and not node.keys() & {"items", "prefixItems"}


def _without_properties(node: Json) -> bool:
    return _is_of(node, "object") and not node.get("properties")


def _is_of(node: Json, kind: str) -> bool:
    types = node.get("type")
    return kind in types if isinstance(types, list) else types == kind


def _unknown_type(node: Json) -> bool:
    types, properties = node.get("type"), node.get("properties")
    if isinstance(types, Mapping) or isinstance(node.get("items"), list):
        return True
    if not isinstance(properties, Mapping):
        return False
    return "omitted" in properties or any(map(_is_no_schema, properties.values()))


def _is_no_schema(value: Any) -> bool:
    omitted = value.get("omitted") if isinstance(value, Mapping) else None
    return isinstance(omitted, str) and omitted in NO_SCHEMA


def _odd_property(request: Request) -> Iterator[Place]:
    for name, schema, _strict in request.schemas:
        if not all(map(PROPERTY.fullmatch, _names(schema.get("properties")))):
            yield Place(tool=name)


def _many_types(node: Json) -> bool:
    return isinstance(node.get("type"), list)


def _requires_unknown(node: Json) -> bool:
    return bool(node.get("required_unknown"))


def _dangling(request: Request) -> Iterator[Place]:
    for name, schema, _strict in request.schemas:
        known = {
            f"#/{key}/{defined}"
            for key in ("$defs", "definitions")
            for defined in _names(schema.get(key))
        }
        targets = (node.get("$ref") for node, _depth in walk(schema))
        if any(isinstance(one, str) and one not in known for one in targets):
            yield Place(tool=name)


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, Mapping) else []


def _open(node: Json) -> bool:
    """Return whether an object is open or has optional parts, as no strict one may."""
    if not _is_of(node, "object"):
        return False
    required = node.get("required")
    listed = set(map(str, required)) if isinstance(required, list) else set()
    is_closed = node.get("additionalProperties") is False
    return not is_closed or not set(_names(node.get("properties"))) <= listed


def _open_and_strict(request: Request) -> Iterator[Place]:
    for name, schema, strict in request.schemas:
        if strict and any(_open(node) for node, _depth in walk(schema)):
            yield Place(tool=name)


def _very_deep(request: Request) -> Iterator[Place]:
    # A property is one level for the provider.
    for name, schema, strict in request.schemas:
        if strict and any(depth > DEPTH for _node, depth in walk(schema)):
            yield Place(tool=name)


def _named_keyword(request: Request) -> Iterator[Place]:
    """Find the schemas with a keyword that the provider's words name."""
    named = set(QUOTED.findall(request.words)) - {"type", "properties", "name"}
    for name, schema, _strict in request.schemas:
        nodes = [node for node, _depth in walk(schema)]
        if any(named & node.keys() for node in nodes) or (
            named and any("others" in node for node in nodes)
        ):
            yield Place(tool=name)


def _any_schema(request: Request) -> Iterator[Place]:
    return (Place(tool=name) for name, _schema, _strict in request.schemas[:1])


def _combined_at_top(request: Request) -> Iterator[Place]:
    for tool in request.tools:
        if tool.schema is not None and tool.schema.keys() & COMBINED:
            yield Place(tool=tool.name)


RULES = (
    Rule(
        id="schemas.combined",
        providers=OPENAI | {"anthropic", "bedrock"},
        sentence=_("The schema of a tool is a choice of several at its top."),
        in_title=_("a schema with a choice at its top"),
        remedy=_(
            "Make an object of it, with the choice in a property, or a tool of each "
            "alternative."
        ),
        source="https://github.com/anthropics/claude-code/issues/5973",
        words=(r"(?:oneof|anyof|allof).{0,40}(?:at the top|top level)"),
        plain=(
            r"does not support oneof, allof,? or anyof|"
            r"must not have '?(?:oneof|anyof|allof|enum)|and not have '?(?:oneof|anyof)"
        ),
        shows=_combined_at_top,
        proves=_combined_at_top,
    ),
    Rule(
        id="schemas.no_object",
        sentence=_("The schema of a tool is not of type object."),
        in_title=_("a tool schema that is not an object"),
        remedy=_(
            'Set "type": "object" at the top of the tool\'s schema, even if the tool takes '
            "no arguments."
        ),
        source="https://github.com/BerriAI/litellm/pull/19103",
        words=(
            r"type:? ?\"?object|must be of type.{0,5}object|"
            r"got ['\"]?type|parameters.{0,40}(?:must|should) be (?:an )?object|"
            r"schema.{0,60}type.{0,20}'?object'?"
        ),
        plain=(
            r"schema must be a json schema of|input_schema\.type: |"
            r"should be of type '?object|inputschema\.json\.type"
        ),
        shows=_no_object,
        proves=_no_object,
    ),
    Rule(
        id="schemas.array_without_items",
        providers=OPENAI | GOOGLE,
        sentence=_("An array in a schema does not say what its items are."),
        in_title=_("an array without items"),
        remedy=_("Give each array its items; {} stands for any."),
        source="https://github.com/gumloop/guMCP/pull/136",
        words=(r"items:? ?(?:: )?missing field|missing.{0,20}items"),
        plain=r"array schema missing items|\.items: missing",
        shows=_where(_without_items),
        proves=_where(_without_items),
    ),
    Rule(
        id="schemas.unknown_required",
        providers=GOOGLE,
        sentence=_("A schema requires a property that it does not describe."),
        in_title=_("an unknown required property"),
        remedy=_("Take the name out of required, or describe the property."),
        source="https://github.com/iBUHub/AIStudioToAPI/issues/154",
        words=(
            r"required.{0,60}(?:not defined|not (?:found )?in.{0,10}properties|extra required key)"
        ),
        plain=r"required\S{0,6}:? ?property is not defined|extra required key",
        shows=_where(_requires_unknown),
        proves=_where(_requires_unknown),
    ),
    Rule(
        id="schemas.empty_object",
        providers=GOOGLE,
        sentence=_("An object in a schema has no properties."),
        in_title=_("an object without properties"),
        remedy=_("Describe at least one property, or make it a text that holds JSON."),
        source="https://github.com/browser-use/browser-use/issues/3786",
        words=(r"properties.{0,20}non-empty"),
        plain=r"non-empty for object type|object schema missing properties",
        shows=_where(_without_properties),
    ),
    Rule(
        id="schemas.dangling",
        sentence=_("A schema refers to a definition that it does not have."),
        in_title=_("a missing definition in a schema"),
        remedy=_(
            "Send the definitions along, at the top of the same schema, or put them "
            "where they are used."
        ),
        source="https://github.com/BerriAI/litellm/pull/28646",
        words=(
            r"(?:reference|\$ref|pointer).{0,60}(?:resolve|nowhere|not (?:found|defined)|undefined|unresolv|can.?t)|"
            r"(?:resolve|unresolv).{0,40}(?:reference|\$ref)"
        ),
        plain=r"pointertonowhere|not found in \$defs|reference .{0,40}(?:cannot|can.t) be resolved",
        shows=_dangling,
        proves=_dangling,
    ),
    Rule(
        id="schemas.open",
        providers=OPENAI | {"groq"},
        sentence=_(
            "A strict schema has an object that is open, or properties that are "
            "optional."
        ),
        in_title=_("a strict schema that is open"),
        remedy=_(
            "Set additionalProperties to false and require every property (an "
            "optional one may be null), or do without strict."
        ),
        source="https://github.com/kevinwatt/mysql-mcp/issues/5",
        words=(r"additionalproperties.{0,40}(?:must|set to|to be) false"),
        plain=(
            r"is required to be supplied and to be (?:false|an array)|"
            r"additionalproperties.{0,40}must be (?:explicitly )?(?:set to )?false|"
            r"including every key in properties"
        ),
        shows=_where(_open),
        proves=_open_and_strict,
    ),
    Rule(
        id="schemas.too_deep",
        providers=OPENAI | GOOGLE,
        sentence=_("A schema is too deep, or too large."),
        in_title=_("a schema that is too large"),
        remedy=_("Flatten it, or divide it among several tools."),
        source="https://github.com/flagdizero/jenny-android-ai-agent/issues/2",
        words=(
            r"schema.{0,40}too (?:complex|large|many)|grammar.{0,30}(?:too|fail)|"
            r"exceeds.{0,30}(?:depth|properties)"
        ),
        plain=(
            r"nesting depth|levels of nesting|too (?:deep|nested)|too many states|"
            r"schema is too (?:complex|large)|grammar is too large|"
            r"failed to parse grammar|schemas? (?:contains?|has) too many"
        ),
        shows=_any_schema,
        proves=_very_deep,
    ),
    Rule(
        id="schemas.several_types",
        providers=GOOGLE,
        sentence=_(
            "A schema allows several types by a list, which this provider does not "
            "read."
        ),
        in_title=_("a list of types in a schema"),
        remedy=_("Write the types as anyOf, or say nullable."),
        source="https://github.com/taylorwilsdon/google_workspace_mcp/issues/1099",
        words=(
            r"proto field is not repeating, cannot start list|"
            r"type.{0,30}(?:list|array).{0,30}not"
        ),
        plain=r"unknown name \\?\"type\\?\" at .{1,400}cannot start list",
        shows=_where(_many_types),
    ),
    Rule(
        id="schemas.keyword",
        sentence=_("A schema has a keyword that this provider refuses."),
        in_title=_("a keyword in a schema"),
        remedy=_(
            "Take the keyword that the provider names out of the schema before it is "
            "sent, and say in the description what it said."
        ),
        source="https://github.com/router-for-me/CLIProxyAPI/issues/97",
        words=(
            r"schema(?! \{).{0,80}(?:not (?:supported|permitted|allowed)|unsupported)|"
            r"(?:keyword|format|field).{0,40}(?:not (?:supported|permitted)|unsupported).{0,40}schema|"
            r"only '?(?:enum|date-time)'?.{0,20}(?:is|are) supported|"
            r"unsupported (?:keyword|schema|json schema)"
        ),
        plain=(
            r"unknown name \\?\"[^\"]+\" at '?(?:tools|request\.tools|generation_config\.response_schema)|"
            r"in context=.{0,80}is not (?:permitted|a valid format)|"
            r"for '?(?:string|integer|object|array|number)'? type, propert\w+|"
            r"only allowed for (?:string|object|array) type|alongside any_of|"
            r"inputschema\S*: extraneous key|features not supported by xgrammar"
        ),
        shows=_named_keyword,
    ),
    Rule(
        id="schemas.property_name",
        providers=ANTHROPIC,
        sentence=_(
            "A property in a schema has a name with characters that the provider does "
            "not take, or one that is too long."
        ),
        in_title=_("the name of a property"),
        remedy=_("Call properties by letters, digits, _, - and dots, 64 at most."),
        source="https://github.com/n8n-io/n8n/issues/30590",
        words=r"property (?:name|key)s?.{0,40}(?:match|pattern|invalid)",
        plain=r"property keys should match pattern",
        shows=_odd_property,
        proves=_odd_property,
    ),
    Rule(
        id="schemas.invalid",
        sentence=_(
            "A schema is not valid: it has a type that there is not, or none, or "
            "something else where a schema should be."
        ),
        in_title=_("an invalid schema"),
        remedy=_(
            "Check the schema against JSON Schema draft 2020-12; types are object, "
            "array, string, number, integer, boolean and null."
        ),
        source="https://github.com/acomagu/vscode-as-mcp-server/issues/6",
        words=(
            r"invalid (?:json )?schema|invalid type|not of type|"
            r"schema.{0,30}(?:is )?(?:invalid|malformed)|unknown type|"
            r"invalid_function_parameters"
        ),
        plain=(
            r"json schema is invalid|is not valid under any of the given schemas|"
            r"specify the schema type|contains an invalid schema|schema must have a 'type' key|"
            r"invalid (?:json )?schema for (?:function|response_format|tool)|"
            r"invalid value at '(?:request\.)?tools\[\d+\]\S*parameters"
        ),
        shows=_where(_unknown_type),
        proves=_where(_unknown_type),
    ),
)
