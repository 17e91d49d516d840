import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Owners are marked as forgotten, as chats are."""

    dependencies = [
        ('chatdebug', '0026_consent'),
    ]

    operations = [
        migrations.CreateModel(
            name='ForgottenOwner',
            fields=[
                ('owner_id', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('forgotten_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'forgotten owner',
                'verbose_name_plural': 'forgotten owners',
                'indexes': [models.Index(fields=['forgotten_at'], name='chatdebug_owner_forgotten_at')],
            },
        ),
    ]
