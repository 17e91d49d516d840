from django.db import migrations, models

MESSAGE_IDS = {
    "ChatRun": ("trigger_message_id", "history_tip_message_id"),
    "ChatStep": ("history_tip_message_id", "assistant_message_id"),
}
LARGEST = 2**63 - 1


def forget_what_is_no_number(apps, schema_editor):
    """On the way back: the columns become numbers again, and a text has no place there.

    What was a number before it became text is one again; other ids are forgotten, since
    the version before could not have stored them either.
    """
    for model_name, names in MESSAGE_IDS.items():
        rows = apps.get_model("chatdebug", model_name).objects.using(
            schema_editor.connection.alias
        )
        for name in names:
            given = rows.exclude(**{name: None}).values_list(name, flat=True)
            texts = [
                value
                for value in given.distinct().order_by().iterator()
                if not is_number(value)
            ]
            for start in range(0, len(texts), 500):
                some = texts[start : start + 500]
                rows.filter(**{f"{name}__in": some}).update(**{name: None})


def is_number(value):
    return value.isascii() and value.isdecimal() and int(value) <= LARGEST


def alter(**options):
    return [
        migrations.AlterField(
            model_name=model_name.lower(),
            name=name,
            field=models.CharField(blank=True, max_length=64, **options),
        )
        for model_name, names in MESSAGE_IDS.items()
        for name in names
    ]


class Migration(migrations.Migration):

    dependencies = [
        ('chatdebug', '0009_no_labels_at_the_errors_level'),
    ]

    operations = [
        *alter(null=True),
        # Forwards the default of the next operations fills in what was null.
        migrations.RunPython(migrations.RunPython.noop, forget_what_is_no_number),
        *alter(default=""),
    ]
