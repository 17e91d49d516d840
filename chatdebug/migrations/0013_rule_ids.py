from django.db import migrations
from django.db.models import Q

BATCH_STEPS = 1_000


def name_rules(apps, schema_editor):
    """Tell a deployment's own rules from errors that say themselves what they are."""
    _rename(apps, schema_editor, ("own.",), _named)


def take_back(apps, schema_editor):
    """Call both of them ``own.`` again."""
    _rename(apps, schema_editor, ("custom.", "known."), _unnamed)


def _rename(apps, schema_editor, prefixes, renamed):
    """Change the rule ids that begin so, in errors and in those that a retry repaired."""
    manager = apps.get_model("chatdebug", "ChatStep").objects
    steps = manager.using(schema_editor.connection.alias).order_by("id")
    wanted = Q()
    for prefix in prefixes:
        wanted |= Q(error__rule__startswith=prefix)
        wanted |= Q(metadata__repaired_error__rule__startswith=prefix)
    found = steps.filter(wanted).only("id", "error", "metadata")
    while batch := list(found[:BATCH_STEPS]):
        for step in batch:
            for error in (step.error, step.metadata.get("repaired_error")):
                if error and error.get("rule", "").startswith(prefixes):
                    error["rule"] = renamed(error["rule"])
        steps.bulk_update(batch, ["error", "metadata"])


def _named(rule):
    name = rule.removeprefix("own.")
    return f"custom.{name}" if name.isdecimal() else f"known.{name}"


def _unnamed(rule):
    return "own." + rule.partition(".")[2]


class Migration(migrations.Migration):
    """The ids of rules that stored errors name begin with ``custom.`` or ``known.``."""

    dependencies = [("chatdebug", "0012_audit")]

    operations = [migrations.RunPython(name_rules, take_back)]
