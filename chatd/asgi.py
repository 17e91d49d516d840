"""The ASGI application: Django, with a lifespan around it.

Run it with any server that has lifespan support, for example
``uvicorn chatd.asgi:application``. Without lifespan no turn would run.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatd.settings")
django_application = get_asgi_application()

from chatd.lifespan import site_lifespan, with_lifespan  # noqa: E402 - needs Django
from chatd.viewers import with_streams  # noqa: E402 - needs Django

web_application = with_streams(django_application)
application = with_lifespan(web_application, site_lifespan)
