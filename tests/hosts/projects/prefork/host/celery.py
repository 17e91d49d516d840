"""Tasks for forked workers. Folders are the broker: nothing else has to run."""

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host.settings")
django.setup()

from django.conf import settings

QUEUE = settings.BASE_DIR / "var" / "queue"
for folder in ("control", "messages", "results"):
    (QUEUE / folder).mkdir(parents=True, exist_ok=True)

app = Celery("host", broker="filesystem://", backend=f"file://{QUEUE / 'results'}")
app.conf.broker_transport_options = {
    "control_folder": str(QUEUE / "control"),
    "data_folder_in": str(QUEUE / "messages"),
    "data_folder_out": str(QUEUE / "messages"),
}
app.autodiscover_tasks(["host"], force=True)
