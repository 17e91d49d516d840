"""Static files as the site serves them, without a cost for requests that are for none.

The middleware of the site is made for one long-lived asynchronous server: it looks through
all static folders when it is made, which each test client does again, and a synchronous
client needs two threads and an event loop around it for each request. Here it is made when
a static file is asked for. For all other addresses it does nothing on the site either.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from servestatic.middleware import ServeStaticMiddleware  # type: ignore[import-untyped]


@sync_and_async_middleware
def static_files(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Answer requests for static files by the site's middleware."""
    prefix = ServeStaticMiddleware.default_static_prefix(settings)

    if iscoroutinefunction(get_response):
        respond: Callable[[HttpRequest], Awaitable[HttpResponseBase]] = get_response
        serve_async = cache(lambda: ServeStaticMiddleware(respond))

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            is_static = request.path_info.startswith(prefix)
            return await (serve_async()(request) if is_static else respond(request))

        return answer_async

    serve = cache(
        lambda: async_to_sync(ServeStaticMiddleware(sync_to_async(get_response)))
    )

    def answer(request: HttpRequest) -> Any:
        is_static = request.path_info.startswith(prefix)
        return serve()(request) if is_static else get_response(request)

    return answer
