"""JSON schemas without their values: which keywords they have, and which properties.

Names of properties and definitions are the host project's code, and stay. Descriptions,
enumerations, defaults, examples and limits are left out, each with its type and size.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from chatdebug.evidence.omitted import omitted

type Schema = Any
"""A JSON schema, or whatever a host project has sent in the place of one."""

NODES = 2_000
"""Schemas inside of one schema, over all levels."""
DEPTH = 20
NAME_CHARACTERS = 120
PATHS = 500

BY_NAME = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose values are schemas by the names of the host project."""
SINGLE = frozenset(
    {
        *("items", "additionalItems", "additionalProperties", "contains", "not"),
        *("if", "then", "else", "propertyNames", "unevaluatedItems"),
        "unevaluatedProperties",
    }
)
LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
ITEMS = frozenset({"items", "prefixItems", "additionalItems"})
TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
FORMATS = frozenset(
    {
        *("date", "time", "date-time", "duration", "email", "hostname", "ipv4"),
        *("ipv6", "uri", "uri-reference", "uuid", "binary", "byte", "int32", "int64"),
        *("float", "double", "json-pointer", "regex", "enum"),
    }
)
VALUES = frozenset(
    {
        *("title", "description", "enum", "const", "default", "examples", "example"),
        *("pattern", "patternProperties", "minLength", "maxLength", "minimum"),
        *("maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems"),
        *("maxItems", "uniqueItems", "minProperties", "maxProperties", "minContains"),
        *("maxContains", "nullable", "readOnly", "writeOnly", "deprecated", "strict"),
        *("discriminator", "dependentRequired", "contentEncoding", "$schema", "$id"),
        *("$anchor", "$comment", "contentMediaType", "propertyOrdering"),
    }
)
"""Keywords that are known, and whose values are left out unless they are yes or no."""


def schema_structure(schema: Schema) -> Any:
    """Return a schema with its keywords, types and names, and without its values.

    What is in no list here, as a keyword of an extension, is only counted (``others``),
    and so are required properties that are not described (``required_unknown``).
    """
    return _Walk().structure(schema, depth=0)


def schema_paths(structure: Schema) -> dict[str, str]:
    """Return the paths of what ``schema_structure`` found, each with its types.

    ``$`` is the whole, ``.name`` a property, ``[]`` an item, ``|`` one of several.
    """
    paths: dict[str, str] = {}
    for path, kinds in _paths("$", structure):
        if len(paths) >= PATHS:
            break
        paths[path] = kinds if path not in paths else f"{paths[path]}|{kinds}"
    return paths


class _Walk:
    """One walk through a schema, and how many of its nodes may still be looked at."""

    def __init__(self) -> None:
        self._left = NODES

    def structure(self, schema: Schema, *, depth: int) -> Any:
        if isinstance(schema, bool):
            return schema
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > DEPTH or self._left < 0:
            return omitted(schema)
        result: dict[str, Any] = {}
        others = 0
        for key, value in schema.items():
            found = self._keyword(schema, key, value, depth=depth + 1)
            if found is None:
                others += 1
            else:
                result[key] = found
        if unknown := _required_unknown(schema):
            result["required_unknown"] = unknown
        return result | {"others": others} if others else result

    def _keyword(self, schema: Schema, key: Any, value: Any, *, depth: int) -> Any:
        """Return what is kept of a keyword; None if it is not known."""
        if key in SINGLE:
            many = isinstance(value, list)  # how older schemas list the items
            return (
                self._list(value, depth) if many else self.structure(value, depth=depth)
            )
        if key in LISTS:
            return self._list(value, depth)
        if key in BY_NAME:
            return self._by_name(value, depth)
        if key == "type":
            return _types(value)
        if key == "required":
            return _required(value, schema)
        if key == "format":
            return value if _is_one_of(value, FORMATS) else omitted(value)
        if key == "$ref":
            return _reference(value)
        if key in VALUES:
            return value if isinstance(value, bool) else omitted(value)
        return None

    def _list(self, value: Any, depth: int) -> Any:
        if not isinstance(value, list):
            return omitted(value)
        return [self.structure(item, depth=depth) for item in value]

    def _by_name(self, value: Any, depth: int) -> Any:
        if not isinstance(value, Mapping):
            return omitted(value)
        return {
            str(name)[:NAME_CHARACTERS]: self.structure(item, depth=depth)
            for name, item in value.items()
        }


def _types(value: Any) -> Any:
    kinds = value if isinstance(value, list) else [value]
    if not all(_is_one_of(kind, TYPES) for kind in kinds):
        return omitted(value)
    return value


def _required(value: Any, schema: Schema) -> Any:
    """Return which properties are required; others' names may be anything."""
    properties = schema.get("properties")
    if not isinstance(value, list) or not isinstance(properties, Mapping):
        return omitted(value)
    known = [str(name)[:NAME_CHARACTERS] for name in properties]
    return [name for name in value if name in known]


def _required_unknown(schema: Schema) -> int:
    """Return how many properties are required that the schema does not describe."""
    required, properties = schema.get("required"), schema.get("properties")
    if not isinstance(required, list) or not isinstance(properties, Mapping):
        return 0
    return sum(not isinstance(name, str) or name not in properties for name in required)


def _reference(value: Any) -> Any:
    """Return where a reference inside of the same schema leads to."""
    is_inside = isinstance(value, str) and value.startswith(
        ("#/$defs/", "#/definitions/")
    )
    return value[:NAME_CHARACTERS] if is_inside else omitted(value)


def _is_one_of(value: Any, known: frozenset[str]) -> bool:
    return isinstance(value, str) and value in known


def _paths(path: str, structure: Schema) -> Iterator[tuple[str, str]]:
    if not isinstance(structure, Mapping):
        return
    if kinds := _kinds(structure):
        yield path, kinds
    for step, below in _below(structure):
        yield from _paths(path + step, below)


def _kinds(structure: Mapping[str, Any]) -> str:
    """Return what a schema allows in one word; nothing if it only holds others."""
    kinds = structure.get("type")
    if isinstance(kinds, str):
        return kinds
    if isinstance(kinds, list):
        return "|".join(kinds)
    if isinstance(reference := structure.get("$ref"), str):
        return reference
    return "enum" if structure.keys() & {"enum", "const"} else ""


def _below(structure: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield the schemas inside of one, each with its part of the path."""
    for keyword, value in structure.items():
        if keyword in BY_NAME and isinstance(value, Mapping):
            start = "" if keyword == "properties" else f"/{keyword}"
            yield from ((f"{start}.{name}", item) for name, item in value.items())
        elif keyword in SINGLE | LISTS:
            step = "[]" if keyword in ITEMS else ""
            items = value if isinstance(value, list) else [value]
            yield from ((step, item) for item in items)
