"""What ``import chatdebug`` brings, and when."""

import os
import subprocess
import sys

import pytest

import chatdebug
from tests.process import ROOT


def test_every_name_of_the_front_door_is_there():
    assert sorted(chatdebug.__all__) == sorted(chatdebug.HOMES)
    assert {name for name in chatdebug.__all__ if not getattr(chatdebug, name)} == set()
    assert set(chatdebug.__all__) <= set(dir(chatdebug))


def test_what_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = chatdebug.no_such_thing


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_a_client_may_be_instrumented_before_django_is_set_up(sdk: str):
    """From settings, say; nothing of Django is imported, and of the SDKs the named one."""
    code = f"""
import sys, chatdebug
assert "django" not in sys.modules, "django"
chatdebug.instrument_{sdk}()
loaded = {{name for name in ("django", "openai", "anthropic", "pydantic_ai") if name in sys.modules}}
assert loaded == {{"{sdk}"}}, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_asgi_module_may_import_it_before_it_names_the_settings():
    """As a formatter sorts the imports of ``asgi.py``: all of them first."""
    code = """
import chatdebug, chatdebug.asgi
from chatdebug.asgi import with_recorder
assert chatdebug.with_recorder is with_recorder
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
