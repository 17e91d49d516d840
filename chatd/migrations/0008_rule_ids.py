from django.db import migrations
from django.db.models import Q

BATCH_TURNS = 1_000


def name_rules(apps, schema_editor):
    """Tell a deployment's own rules from errors that say themselves what they are."""
    _rename(apps, schema_editor, ("own.",), _named)


def take_back(apps, schema_editor):
    """Call both of them ``own.`` again."""
    _rename(apps, schema_editor, ("custom.", "known."), _unnamed)


def _rename(apps, schema_editor, prefixes, renamed):
    manager = apps.get_model("chatd", "Turn").objects
    turns = manager.using(schema_editor.connection.alias).order_by("id")
    wanted = Q()
    for prefix in prefixes:
        wanted |= Q(error__rule__startswith=prefix)
    found = turns.filter(wanted).only("id", "error")
    while batch := list(found[:BATCH_TURNS]):
        for turn in batch:
            turn.error["rule"] = renamed(turn.error["rule"])
        turns.bulk_update(batch, ["error"])


def _named(rule):
    name = rule.removeprefix("own.")
    return f"custom.{name}" if name.isdecimal() else f"known.{name}"


def _unnamed(rule):
    return "own." + rule.partition(".")[2]


class Migration(migrations.Migration):
    """The ids of rules that failed turns name begin with ``custom.`` or ``known.``."""

    dependencies = [("chatd", "0007_providers_without_a_list")]

    operations = [migrations.RunPython(name_rules, take_back)]
