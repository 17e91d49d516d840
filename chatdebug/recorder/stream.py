"""What a provider's stream tells when it is over.

Nothing stands between the stream and its consumer, at any level: a part costs nothing.
"""

from typing import Any

from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import StreamedResponse

from chatdebug.errors import walk


def summarise_stream(response: ModelResponse, *, failed: bool) -> dict[str, Any]:
    """Return the counts that the step's metadata keeps."""
    kinds = [part.part_kind for part in response.parts]
    return {
        "finish_reason": response.finish_reason,
        "part_count": len(kinds),
        "parts": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        "error_count": int(failed),
    }


def model_failure(
    stream: StreamedResponse, error: BaseException
) -> BaseException | None:
    """Return the model's failure if that is why an error left the stream's block.

    It is the error itself, or what the consumer made another error of; None if the
    consumer failed on its own. The traceback tells: an error of the model comes from
    inside the stream's iterator. A cancellation ends both.
    """
    for link in walk(error):
        if _came_from(stream, link):
            return link
    return None if isinstance(error, Exception) else error


def _came_from(stream: StreamedResponse, error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_locals.get("self") is stream:
            return True
        traceback = traceback.tb_next
    return False
