import chatd.llm.providers
from django.db import migrations, models


class Migration(migrations.Migration):
    """Ask the code which providers there are, so that one more needs no migration."""

    dependencies = [("chatd", "0006_bind_keys_to_their_hosts")]

    operations = [
        migrations.RemoveConstraint(
            model_name="modelconfig", name="chatd_model_provider"
        ),
        migrations.AlterField(
            model_name="modelconfig",
            name="provider",
            field=models.CharField(
                choices=chatd.llm.providers.provider_choices, max_length=32
            ),
        ),
    ]
