"""Keeps what turns say out of PostgreSQL's log.

A chunk lives as long as its turn, and whoever runs the turn can say all of it again; the
answer is stored as a message. Nothing is worth a write to the log, a copy on each replica
and a place in each backup. What is given up: a crash of the server empties the table, and
a standby has nothing in it, so that viewers get one snapshot instead of the missed parts.
"""

from django.db import migrations


def keep_out(apps, schema_editor):
    _alter(apps, schema_editor, "UNLOGGED")


def take_back(apps, schema_editor):
    _alter(apps, schema_editor, "LOGGED")


def _alter(apps, schema_editor, kind):
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("chatd", "TurnChunk")._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} SET {kind}")


class Migration(migrations.Migration):
    dependencies = [("chatd", "0009_turn_chunks")]

    operations = [migrations.RunPython(keep_out, take_back)]
