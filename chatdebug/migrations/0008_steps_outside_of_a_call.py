from django.db import migrations, models


class Migration(migrations.Migration):
    """A step may stand for what failed in a run outside of its model calls."""

    dependencies = [
        ("chatdebug", "0007_forgotten_chats"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="chatstep", name="chatdebug_step_operation"
        ),
        migrations.AlterField(
            model_name="chatstep",
            name="operation",
            field=models.CharField(
                choices=[
                    ("stream", "Stream"),
                    ("generate", "Generate"),
                    ("run", "Outside of a call"),
                ],
                editable=False,
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="chatstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("operation__in", ["stream", "generate", "run"])),
                name="chatdebug_step_operation",
            ),
        ),
    ]
