from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chatdebug', '0010_message_ids_are_text'),
    ]

    operations = [
        # A default of the database, so that processes of the version before, which do
        # not know the column, can go on writing while others are replaced.
        migrations.AddField(
            model_name='chatrun',
            name='revision',
            field=models.PositiveIntegerField(db_default=0, editable=False),
        ),
        migrations.AddField(
            model_name='chatstep',
            name='revision',
            field=models.PositiveIntegerField(db_default=0, editable=False),
        ),
    ]
