"""Django, with the recorder in the server's lifespan."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings")
django_application = get_asgi_application()

from chatdebug.asgi import with_recorder

application = with_recorder(django_application)
