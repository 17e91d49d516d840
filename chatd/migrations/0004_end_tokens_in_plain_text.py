from django.db import migrations

TABLE = "authtoken_token"
"""Of DRF's own tokens, which earlier releases stored as they are."""


def delete_tokens(apps, schema_editor):
    """Delete them; their table stays, so that an earlier release still finds it."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if TABLE in connection.introspection.table_names(cursor):
            cursor.execute(f"DELETE FROM {TABLE}")


class Migration(migrations.Migration):

    dependencies = [("chatd", "0003_api_tokens")]

    operations = [
        # Back: there is nothing to make them from; whoever needs one asks for a new one.
        migrations.RunPython(delete_tokens, migrations.RunPython.noop)
    ]
