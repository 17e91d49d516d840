from django.db import migrations


class Migration(migrations.Migration):
    """Steps name no answer: it is stored after them, so that the column stayed empty."""

    dependencies = [("chatdebug", "0014_names")]

    operations = [
        migrations.RemoveField(model_name="chatstep", name="assistant_message_id"),
    ]
