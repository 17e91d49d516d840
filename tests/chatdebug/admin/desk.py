"""The pages of the recorder's admin, as whoever looks at failures asks for them."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from chatdebug.models import (
    AlarmTarget,
    ChatRun,
    ChatStep,
    ClassificationRule,
    ErrorGroup,
    RecordingSwitch,
)

FILTER = re.compile(r'id="changelist-filter".*?</nav>', re.DOTALL)
ADDRESS = re.compile(r'href="\?([^"]+)"')
WITHOUT_LIST = (ChatStep,)


def lists() -> dict[str, str]:
    """Return the addresses of all lists, by the names of their models."""
    return {
        str(model._meta.model_name): _address(model, "changelist")
        for model in admin.site._registry
        if model._meta.app_label == "chatdebug" and model not in WITHOUT_LIST
    }


def filters(client: Client, address: str) -> dict[str, list[str]]:
    """Return what each filter of a list leads to, by the parameters that it sets."""
    page = client.get(address).content.decode()
    found: dict[str, list[str]] = {}
    for query in ADDRESS.findall("".join(FILTER.findall(page))):
        asked = dict(parse_qsl(unescape(query)))
        name = ", ".join(sorted({key.split("__")[0] for key in asked}))
        found.setdefault(name, []).append(f"{address}?{urlencode(asked)}")
    return found


def details() -> Iterator[tuple[str, str]]:
    """Yield the pages of one row, or of none, with their names; of the newest rows."""
    for model in (AlarmTarget, ChatRun, ChatStep, ErrorGroup, RecordingSwitch):
        row = model._default_manager.order_by("-pk")[0]
        yield f"{model._meta.model_name}, one", _address(model, "change", row.pk)
    group = ErrorGroup.objects.order_by("-last_seen")[0]
    page = _address(ErrorGroup, "change", group.pk)
    yield "errorgroup, oldest runs", f"{page}?runs=oldest&page=100"
    target = AlarmTarget.objects.all()[0]
    yield "alarmtarget, rehearsal", _address(AlarmTarget, "rehearsal", target.pk)
    yield "recordingswitch, people", _address(RecordingSwitch, "people")
    yield (
        "recordingswitch, people found",
        f"{_address(RecordingSwitch, 'people')}?q=person",
    )
    yield (
        "overview, weeks",
        f"{reverse('admin:chatdebug_overview_changelist')}?range=weeks",
    )


def rules() -> Iterator[tuple[str, str]]:
    """Yield the pages of rules, which try a condition on stored errors."""
    group = ErrorGroup.objects.order_by("-last_seen")[0]
    rule = ClassificationRule.objects.all()[0]
    add = _address(ClassificationRule, "add")
    yield "a new rule", add
    yield "a rule of a group", f"{add}?group={group.pk}"
    yield "a rule, tried", f"{add}?status_code=400"
    yield "a rule", _address(ClassificationRule, "change", rule.pk)
    yield "an import of rules", _address(ClassificationRule, "import")


def _address(model: type[Model], page: str, *arguments: object) -> str:
    name = f"admin:chatdebug_{model._meta.model_name}_{page}"
    return reverse(name, args=arguments)
