"""Django, with the recorder in the server's lifespan, as the recorder's readme says."""

import os

from django.core.asgi import get_asgi_application

import chatdebug

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings")

application = chatdebug.with_recorder(get_asgi_application())
