import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


def from_enabled(apps, schema_editor):
    """Let rules that were enabled decide, and the others do nothing."""
    rules = _rules(apps, schema_editor)
    rules.filter(enabled=True).update(mode="on")
    rules.filter(enabled=False).update(mode="off")


def to_enabled(apps, schema_editor):
    """Enable the rules that decide; shadow is not known any more."""
    rules = _rules(apps, schema_editor)
    rules.filter(mode="on").update(enabled=True)
    rules.exclude(mode="on").update(enabled=False)


def _rules(apps, schema_editor):
    manager = apps.get_model("chatdebug", "ClassificationRule").objects
    return manager.using(schema_editor.connection.alias)


class Migration(migrations.Migration):
    """A rule is off, in shadow or on, and what falls under it is counted."""

    dependencies = [("chatdebug", "0019_error_groups")]

    operations = [
        migrations.AddField(
            model_name='classificationrule',
            name='back_to_shadow',
            field=models.BooleanField(default=False, help_text='Stop deciding by itself when another cause falls under it.', verbose_name='back to shadow'),
        ),
        migrations.AddField(
            model_name='classificationrule',
            name='mode',
            field=models.CharField(choices=[('off', 'Off'), ('shadow', 'Shadow'), ('on', 'On')], default='shadow', help_text='In shadow it decides nothing; what it would decide is counted.', max_length=8, verbose_name='mode'),
        ),
        migrations.RunPython(from_enabled, to_enabled),
        migrations.RemoveField(
            model_name='classificationrule',
            name='enabled',
        ),
        migrations.CreateModel(
            name='RuleCause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=32, verbose_name='fingerprint')),
                ('title', models.CharField(blank=True, default='', max_length=200, verbose_name='title')),
                ('kind', models.CharField(blank=True, choices=[('overloaded', 'Service overloaded'), ('rate_limit', 'Rate limited'), ('timeout', 'Request timed out'), ('stream_silence_timeout', 'Response stalled'), ('auth', 'Authentication failed'), ('config', 'Configuration error'), ('usage_limit', 'Usage limit reached'), ('missing_key', 'Key missing'), ('provider_disabled', 'Provider disabled'), ('content_filter', 'Response blocked'), ('generic', 'Unexpected error')], default='', max_length=32, verbose_name='kind of error')),
                ('is_accepted', models.BooleanField(default=False, help_text='Somebody has let the rule decide it.', verbose_name='accepted')),
                ('count', models.PositiveBigIntegerField(default=0, help_text='In a storm not each of them is looked at.', verbose_name='times')),
                ('first_seen', models.DateTimeField(default=django.utils.timezone.now, verbose_name='first seen')),
                ('last_seen', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last seen')),
            ],
            options={
                'verbose_name': 'cause under a rule',
                'verbose_name_plural': 'causes under rules',
                'ordering': ('is_accepted', '-last_seen', '-id'),
            },
        ),
        migrations.CreateModel(
            name='RuleTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('count', models.PositiveBigIntegerField(default=0, help_text='Decided, or in shadow would have been.', verbose_name='errors')),
                ('disagreed', models.PositiveBigIntegerField(default=0, verbose_name='other than the built-in rules')),
                ('recovered', models.PositiveBigIntegerField(default=0, help_text='Though the rule says that trying again does not help.', verbose_name='turns that then went well')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                ('last_seen', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last seen')),
            ],
            options={
                'verbose_name': 'tally of a rule',
                'verbose_name_plural': 'tallies of rules',
            },
        ),
        migrations.AddConstraint(
            model_name='classificationrule',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['off', 'shadow', 'on'])), name='chatdebug_rule_mode'),
        ),
        migrations.AddField(
            model_name='rulecause',
            name='rule',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.DB_CASCADE, related_name='causes', to='chatdebug.classificationrule'),
        ),
        migrations.AddField(
            model_name='ruletally',
            name='rule',
            field=models.OneToOneField(on_delete=django.db.models.deletion.DB_CASCADE, related_name='tally', to='chatdebug.classificationrule'),
        ),
        migrations.AddIndex(
            model_name='rulecause',
            index=models.Index(fields=['fingerprint'], name='chatdebug_cause_group'),
        ),
        migrations.AddConstraint(
            model_name='rulecause',
            constraint=models.UniqueConstraint(fields=('rule', 'fingerprint'), name='chatdebug_rule_cause'),
        ),
    ]
