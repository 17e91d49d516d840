from django.db import migrations, models


def withdraw(apps, schema_editor):
    """Take back what owners agreed to: earlier releases know no such switch."""
    switches = apps.get_model("chatdebug", "RecordingSwitch").objects
    switches.using(schema_editor.connection.alias).filter(scope="consent").delete()


class Migration(migrations.Migration):
    """Owners may agree that their failing calls are kept in full."""

    dependencies = [
        ('chatdebug', '0025_desk_indexes'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='recordingswitch',
            name='chatdebug_switch_scope',
        ),
        migrations.AlterField(
            model_name='recordingswitch',
            name='scope',
            field=models.CharField(choices=[('deployment', 'Deployment'), ('owner', 'Owner'), ('chat', 'Chat'), ('consent', 'Consent of an owner')], max_length=16, verbose_name='scope'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='scope',
            field=models.CharField(choices=[('deployment', 'Deployment'), ('owner', 'Owner'), ('chat', 'Chat'), ('consent', 'Consent of an owner')], max_length=16, verbose_name='scope'),
        ),
        migrations.AddConstraint(
            model_name='recordingswitch',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ['deployment', 'owner', 'chat', 'consent'])), name='chatdebug_switch_scope'),
        ),
        migrations.RunPython(migrations.RunPython.noop, withdraw),
    ]
