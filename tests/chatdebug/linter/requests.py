"""Requests in the JSON of OpenAI and Anthropic, in as few words as a test needs."""

from typing import Any

type Json = dict[str, Any]

TEXT = {"type": "text", "text": "What is this?"}


def chat(*messages: Json, **fields: Any) -> Json:
    """Return a request in either format."""
    return {"model": "m", "messages": list(messages), **fields}


def system(content: Any = "Be brief.") -> Json:
    return {"role": "system", "content": content}


def user(content: Any = "What is the weather?") -> Json:
    return {"role": "user", "content": content}


def answer(content: Any = "It is sunny.", **fields: Any) -> Json:
    return {"role": "assistant", "content": content, **fields}


def calling(*ids: str, arguments: str = '{"query": "x"}', **fields: Any) -> Json:
    """Return an answer of OpenAI's with a call for each id."""
    function = {"name": "search", "arguments": arguments}
    calls = [{"id": one, "type": "function", "function": function} for one in ids]
    return answer(None, tool_calls=calls, **fields)


def result(call: str = "a") -> Json:
    return {"role": "tool", "tool_call_id": call, "content": "found"}


def schema(**properties: Json) -> Json:
    """Return the schema of an object in which all is required."""
    known = properties or {"query": {"type": "string"}}
    return {"type": "object", "properties": known, "required": list(known)}


def tool(name: str = "search", parameters: Json | None = None, **fields: Any) -> Json:
    found = {"name": name, "parameters": parameters or schema(), **fields}
    return {"type": "function", "function": found}


def image(media_type: str = "image/png", size: int = 900) -> Json:
    url = f"data:{media_type};base64,{'A' * (size * 4 // 3)}"
    return {"type": "image_url", "image_url": {"url": url}}


def linked(url: str = "https://files.example/a.png") -> Json:
    return {"type": "image_url", "image_url": {"url": url}}


def document(media_type: str = "application/pdf") -> Json:
    source = {"type": "base64", "media_type": media_type, "data": "AAAA"}
    return {"type": "document", "source": source}


def thought(signature: str = "c2ln") -> Json:
    return {"type": "thinking", "thinking": "Hm.", "signature": signature}


def use(call: str = "a", **fields: Any) -> Json:
    """Return Anthropic's call of a tool."""
    return {"type": "tool_use", "id": call, "name": "search", "input": {}, **fields}


def used(call: str = "a") -> Json:
    """Return Anthropic's result of a tool."""
    return {"type": "tool_result", "tool_use_id": call, "content": "found"}


def responses(*items: Json, **fields: Any) -> Json:
    """Return a request of OpenAI's Responses API, whose items are messages, calls and so on."""
    return {"model": "m", "input": list(items), **fields}


def item_call(call: str = "a", **fields: Any) -> Json:
    found = {"type": "function_call", "call_id": call, "name": "search"}
    return {**found, "arguments": '{"query": "x"}', **fields}


def item_result(call: str = "a", **fields: Any) -> Json:
    found = {"type": "function_call_output", "call_id": call, "output": "found"}
    return {**found, **fields}


def item_thought(thought: str = "rs_1") -> Json:
    found = {"type": "reasoning", "id": thought, "summary": []}
    return {**found, "encrypted_content": "c2ln"}
