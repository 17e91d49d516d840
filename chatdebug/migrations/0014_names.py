"""What tables and columns are called by people, so that it can be translated.

Nothing changes in the database.
"""

import django.core.validators
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chatdebug', '0013_rule_ids'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='chatrun',
            options={'ordering': ('-started_at', '-id'), 'permissions': [('view_content', 'Can read prompts and answers of recorded runs')], 'verbose_name': 'run', 'verbose_name_plural': 'runs'},
        ),
        migrations.AlterModelOptions(
            name='chatstep',
            options={'ordering': ('step_number', 'started_at'), 'verbose_name': 'step', 'verbose_name_plural': 'steps'},
        ),
        migrations.AlterModelOptions(
            name='classificationrule',
            options={'ordering': ('position', 'id'), 'verbose_name': 'classification rule', 'verbose_name_plural': 'classification rules'},
        ),
        migrations.AlterModelOptions(
            name='forgottenchat',
            options={'verbose_name': 'forgotten chat', 'verbose_name_plural': 'forgotten chats'},
        ),
        migrations.AlterModelOptions(
            name='switchchange',
            options={'ordering': ('-changed_at', '-id'), 'verbose_name': 'switch change', 'verbose_name_plural': 'switch changes'},
        ),
        migrations.AlterModelOptions(
            name='writerstate',
            options={'ordering': ('-seen_at', 'id'), 'verbose_name': 'writer', 'verbose_name_plural': 'writers'},
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('read', 'Read'), ('changed', 'Changed')], max_length=16, verbose_name='action'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='at',
            field=models.DateTimeField(auto_now_add=True, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='details',
            field=models.TextField(help_text='The address, or the old and the new value.', verbose_name='details'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='object_id',
            field=models.CharField(blank=True, default='', help_text='The id of the run or step; empty for a list.', max_length=64, verbose_name='object'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='person_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='person'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='person_name',
            field=models.CharField(blank=True, default='', help_text='The name at that time.', max_length=200, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='subject',
            field=models.CharField(help_text='Such as a run or a list.', max_length=200, verbose_name='subject'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='chat_id',
            field=models.CharField(max_length=64, verbose_name='chat'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='error_kind',
            field=models.CharField(blank=True, choices=[('overloaded', 'Service overloaded'), ('rate_limit', 'Rate limited'), ('timeout', 'Request timed out'), ('stream_silence_timeout', 'Response stalled'), ('auth', 'Authentication failed'), ('config', 'Configuration error'), ('usage_limit', 'Usage limit reached'), ('missing_key', 'Key missing'), ('provider_disabled', 'Provider disabled'), ('content_filter', 'Response blocked'), ('generic', 'Unexpected error')], default='', max_length=32, verbose_name='kind of error'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='fingerprint',
            field=models.CharField(blank=True, default='', max_length=32, verbose_name='fingerprint'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='history_tip_message_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='newest message of the history'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='kind',
            field=models.CharField(choices=[('chat_turn', 'Chat turn'), ('title_generation', 'Title generation'), ('compaction', 'Compaction'), ('quickgen', 'Quick generation')], default='chat_turn', editable=False, max_length=32, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='level',
            field=models.CharField(choices=[('off', 'Off'), ('errors', 'Errors only'), ('full', 'Full')], default='errors', max_length=8, verbose_name='level'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='model',
            field=models.CharField(blank=True, default='', max_length=200, verbose_name='model'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='owner_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='owner'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='provider',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='similar_count',
            field=models.PositiveIntegerField(default=0, help_text='Failures with the same fingerprint that were counted, not stored.', verbose_name='similar'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='status',
            field=models.CharField(choices=[('in_progress', 'In progress'), ('completed', 'Completed'), ('error', 'Error'), ('interrupted', 'Interrupted')], default='in_progress', max_length=16, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='trigger_message_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='message that started it'),
        ),
        migrations.AlterField(
            model_name='chatrun',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='updated'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='chat_id',
            field=models.CharField(max_length=64, verbose_name='chat'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='finished_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='finished'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='history_tip_message_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='newest message of the history'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='operation',
            field=models.CharField(choices=[('stream', 'Stream'), ('generate', 'Generate'), ('run', 'Outside of a call')], editable=False, max_length=16, verbose_name='operation'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='status',
            field=models.CharField(choices=[('in_progress', 'In progress'), ('completed', 'Completed'), ('error', 'Error'), ('interrupted', 'Interrupted')], default='in_progress', max_length=16, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='step_number',
            field=models.PositiveIntegerField(verbose_name='number'),
        ),
        migrations.AlterField(
            model_name='chatstep',
            name='updated_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='updated'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='enabled',
            field=models.BooleanField(default=True, verbose_name='enabled'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='note',
            field=models.CharField(blank=True, default='', help_text='What it is for.', max_length=200, verbose_name='note'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='position',
            field=models.PositiveSmallIntegerField(default=100, help_text='The rule with the lowest number is tried first.', verbose_name='position'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='provider',
            field=models.CharField(blank=True, default='', help_text='As the runs show it, such as openai; empty for any.', max_length=64, verbose_name='provider'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='retryable',
            field=models.BooleanField(default=False, help_text='Whether trying again may help.', verbose_name='retryable'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='text',
            field=models.CharField(blank=True, default='', help_text="How the provider's reason begins. * stands for anything; upper and lower case are the same, and what is in quotes is not looked at.", max_length=200, verbose_name='text'),
        ),
        migrations.AlterField(
            model_name='classificationrule',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, verbose_name='updated'),
        ),
        migrations.AlterField(
            model_name='recordingswitch',
            name='enabled',
            field=models.BooleanField(default=False, verbose_name='enabled'),
        ),
        migrations.AlterField(
            model_name='recordingswitch',
            name='key',
            field=models.CharField(blank=True, default='', help_text="The owner's or the chat's id; empty for the deployment.", max_length=64, verbose_name='key'),
        ),
        migrations.AlterField(
            model_name='recordingswitch',
            name='scope',
            field=models.CharField(choices=[('deployment', 'Deployment'), ('owner', 'Owner'), ('chat', 'Chat')], max_length=16, verbose_name='scope'),
        ),
        migrations.AlterField(
            model_name='recordingswitch',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, verbose_name='updated'),
        ),
        migrations.AlterField(
            model_name='retention',
            name='days',
            field=models.PositiveSmallIntegerField(default=7, help_text='Runs are deleted so many days after their last change; 0: never.', validators=[django.core.validators.MaxValueValidator(3650)], verbose_name='days'),
        ),
        migrations.AlterField(
            model_name='retention',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, verbose_name='updated'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='changed_at',
            field=models.DateTimeField(auto_now_add=True, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='changed_by',
            field=models.CharField(blank=True, default='', help_text='The name at that time.', max_length=200, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='changed_by_id',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='person'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='key',
            field=models.CharField(blank=True, default='', max_length=64, verbose_name='key'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='new_value',
            field=models.BooleanField(verbose_name='new value'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='old_value',
            field=models.BooleanField(verbose_name='old value'),
        ),
        migrations.AlterField(
            model_name='switchchange',
            name='scope',
            field=models.CharField(choices=[('deployment', 'Deployment'), ('owner', 'Owner'), ('chat', 'Chat')], max_length=16, verbose_name='scope'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='counters',
            field=models.JSONField(default=dict, help_text='Numbers since the process started.', verbose_name='counters'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='host',
            field=models.CharField(max_length=200, verbose_name='host'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='last_error',
            field=models.CharField(blank=True, default='', max_length=200, verbose_name='last error'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='last_error_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last error at'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='pid',
            field=models.PositiveIntegerField(verbose_name='process'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='queued',
            field=models.PositiveIntegerField(default=0, help_text='Rows that wait for the database.', verbose_name='queued'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='seen_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='seen'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='spooled',
            field=models.PositiveIntegerField(default=0, help_text='Captures in the spool that wait for the database.', verbose_name='in the spool'),
        ),
        migrations.AlterField(
            model_name='writerstate',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='started'),
        ),
    ]
