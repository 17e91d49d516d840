"""Django, with the recorder in the server's lifespan."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings")
django_application = get_asgi_application()

from chatdebug.recorder import recorder_lifespan


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start the recorder with the server, and flush it at its end."""
    if scope["type"] != "lifespan":
        await django_application(scope, receive, send)
        return
    await receive()
    async with recorder_lifespan():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
