"""What a provider's stream tells when it is over.

Nothing stands between the stream and its consumer, at any level: a part costs nothing.
"""

from typing import Any

from pydantic_ai.models import StreamedResponse


def summarise_stream(stream: StreamedResponse, *, failed: bool) -> dict[str, Any]:
    """Return the counts that the step's metadata keeps."""
    parts = stream.get().parts
    kinds = [part.part_kind for part in parts]
    return {
        "finish_reason": stream.finish_reason,
        "part_count": len(parts),
        "parts": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        "error_count": int(failed),
    }


def raised_by_model(stream: StreamedResponse, error: BaseException) -> bool:
    """Say whether an error that left the stream's block is the model's or the consumer's.

    The traceback tells: an error of the model comes from inside the stream's iterator.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_locals.get("self") is stream:
            return True
        traceback = traceback.tb_next
    return not isinstance(error, Exception)
