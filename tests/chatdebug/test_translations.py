"""Every text that people read of the recorder can be translated, and German is whole."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from chatdebug.enums import ErrorKind
from chatdebug.errors import classify
from chatdebug.formats import ago, clock, counted
from chatdebug.models import ChatRun
from chatdebug.presentation.run_lines import RunLine
from tests.architecture.tree import ROOT, modules, project_files, read
from tests.factories import ChatRunFactory, UserFactory

CATALOG = Path("chatdebug/locale/de/LC_MESSAGES/django.po")
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
TEXT = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$', re.MULTILINE)


def marked() -> Iterator[str]:
    """Yield each text that is marked in the recorder's code and templates."""
    for path in modules("chatdebug"):
        yield from marked_in(read(path))
    for path in project_files():
        if path.is_relative_to("templates/chatdebug"):
            yield from marked_in(
                re.sub(r"^\s+", "", templatize(read(path)), flags=re.M)
            )


def marked_in(code: str) -> Iterator[str]:
    for call in re.findall(r"\b(?:_|n?gettext(?:_lazy)?)\((?:.|\n)*?\)", code):
        try:
            node = ast.parse(call.replace("u'''", "'''"), mode="eval").body
        except SyntaxError:
            continue
        if isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def catalog() -> dict[str, list[str]]:
    """Return the translations of each text, as the catalog's source has them."""
    found: dict[str, list[str]] = {}
    for kind, quoted in TEXT.findall(read(CATALOG)):
        text = ast.literal_eval(quoted)
        if kind == "msgid":
            translations = found.setdefault(text, [])
        elif kind.startswith("msgstr"):
            translations.append(text)
    found.pop("")
    return found


def test_each_marked_text_is_in_the_catalog_and_translated() -> None:
    texts = set(marked())
    assert len(texts) > 150
    assert texts - catalog().keys() == set()
    assert [text for text, said in catalog().items() if not all(said)] == []
    assert "#, fuzzy" not in read(CATALOG)


def test_what_was_compiled_is_what_was_written() -> None:
    with (ROOT / CATALOG.with_suffix(".mo")).open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, said in catalog().items():
        if len(said) == 1:
            assert compiled.gettext(text) == said[0]
        else:
            assert [compiled.ngettext(text, "", n) for n in (1, 2)] == said


def test_what_the_recorder_says_is_german_where_german_is_spoken() -> None:
    run = ChatRun(error_kind=ErrorKind.GENERIC, status="error", provider="openai")
    with translation.override("de"):
        assert RunLine(run).title == "Unerwarteter Fehler · OpenAI"
        assert counted(2, "step") == "2 Schritte"
        assert ago(run.started_at) == "gerade eben"
        assert "Dez" in clock(run.started_at.replace(month=12, day=1))
        verdict = classify(TimeoutError())
        assert verdict.message == "Die Anfrage hat zu lange gedauert."
        assert str(ErrorKind.TIMEOUT.label) == "Zeitüberschreitung"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/admin/", ["Chat-Debug", "Läufe", "Aufzeichnungsschalter"]),
        ("/admin/chatdebug/chatrun/", ["Läufe aller Chats", "Fehlerart", "Eigentümer"]),
        ("/debug/chats/c/", ["Debug-Läufe", "Fehlschläge", "Unerwarteter"]),
    ],
)
def test_pages_are_german_where_german_is_spoken(
    address: str, words: list[str]
) -> None:
    ChatRunFactory(chat_id="c")
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    with translation.override("de"):
        page = client.get(address).content.decode()
    assert [word for word in words if word not in page] == []
