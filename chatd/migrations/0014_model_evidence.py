from django.db import migrations, models


class Migration(migrations.Migration):
    """A model configuration says what its failing calls keep at most."""

    dependencies = [
        ('chatd', '0013_what_a_failed_turn_tells'),
    ]

    operations = [
        migrations.AddField(
            model_name='modelconfig',
            name='evidence',
            field=models.CharField(choices=[('error', 'The error alone'), ('shape', 'The error, and the shape of the request'), ('full', 'The error, and the whole call')], default='full', help_text="What a failing call of it keeps at most; never more than the deployment and the chat's owner allow.", max_length=16),
        ),
    ]
