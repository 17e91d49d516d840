from urllib.parse import urlsplit

from django.db import migrations

OWN = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}
DEFAULT_PORTS = {"https": 443, "http": 80}


def bind(apps, schema_editor):
    """Let each key go where it went so far, and nowhere else from now on."""
    models = apps.get_model("chatd", "ModelConfig").objects
    models = models.using(schema_editor.connection.alias)
    for config in models.exclude(api_key_variable=""):
        config.key_origin = origin(config.base_url or OWN.get(config.provider, ""))
        config.save(update_fields=["key_origin"])


def origin(url):
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = port in (None, DEFAULT_PORTS.get(parts.scheme))
    return f"{parts.scheme}://{host}" + ("" if default else f":{port}")


class Migration(migrations.Migration):

    dependencies = [("chatd", "0005_key_origin")]

    # Back: the column goes with the migration before.
    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
