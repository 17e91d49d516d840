from django.conf import settings
from django.db import migrations

BATCH_RUNS = 1_000


def remove_labels(apps, schema_editor):
    """Remove users' words from runs that were to hold none, in batches by id."""
    if getattr(settings, "CHATDEBUG", {}).get("KEEP_LABELS"):
        return
    manager = apps.get_model("chatdebug", "ChatRun").objects
    runs = manager.using(schema_editor.connection.alias).exclude(level="full")
    labelled = runs.filter(summary__has_key="first_message").order_by("id")
    while batch := list(labelled.only("id", "summary")[:BATCH_RUNS]):
        for run in batch:
            del run.summary["first_message"]
        runs.bulk_update(batch, ["summary"])


class Migration(migrations.Migration):
    """At the errors level no word of a user is stored; earlier runs have their labels."""

    dependencies = [
        ("chatdebug", "0008_steps_outside_of_a_call"),
    ]

    operations = [
        # Backwards there is nothing to do: what was removed is meant to be gone.
        migrations.RunPython(remove_labels, migrations.RunPython.noop),
    ]
