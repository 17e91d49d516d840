"""What the first turn of a process would otherwise have to wait for."""

import logging

from chatd.llm.providers import load_sdks
from chatd.models import ModelConfig
from chatd.turns.threads import in_thread

logger = logging.getLogger(__name__)


async def warm_up() -> None:
    """Import the SDKs of the models that can be used, in a thread. Never raises."""
    names = ModelConfig.objects.enabled().values_list("provider", flat=True)
    try:
        await in_thread(lambda: load_sdks(set(names)))
    except Exception:
        logger.exception("The SDKs are imported when they are needed")
