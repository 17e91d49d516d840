"""Another theme of Django's admin has each of the recorder's pages: ``make viewers``.

It is installed for that; so this is no part of the suite.
"""

import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.browser.support import MAKE_DESK
from tests.chatdebug.admin.desk import details, lists, rules
from tests.hosts.host import UV, run
from tests.process import ROOT, SiteProcess

pytestmark = [pytest.mark.viewers, pytest.mark.timeout(600)]

UNFOLD = "django-unfold==0.110.0"
SETTINGS = """
from tests.site_settings import *

INSTALLED_APPS = ["unfold", *INSTALLED_APPS]
"""
ASK = "from tests.viewers.check_unfold import odd_pages; print(odd_pages())"


def odd_pages() -> list[str]:
    """Return the pages that are none in this theme. Raises what a page raises."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="admin"))
    pages = {**lists(), **dict(details()), **dict(rules())}
    answers = {name: client.get(address) for name, address in pages.items()}
    return [
        name
        for name, answer in answers.items()
        if answer.status_code != 200 or b"unfold/" not in answer.content
    ]


def test_each_page_of_the_recorder_is_one_in_another_theme(tmp_path: Path) -> None:
    themes = tmp_path / "themes"
    install = ("pip", "install", "--quiet", "--python", sys.executable, "--no-deps")
    run(UV, *install, "--target", str(themes), UNFOLD, cwd=tmp_path)
    (themes / "unfold_settings.py").write_text(SETTINGS)
    environment = {
        "DJANGO_SETTINGS_MODULE": "unfold_settings",
        "PYTHONPATH": f"{themes}:{ROOT}",
    }
    with SiteProcess(tmp_path / "var", **environment) as site:
        site.run_code(MAKE_DESK)
        assert site.run_code(ASK) == "[]"
