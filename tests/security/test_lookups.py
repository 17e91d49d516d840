"""No list of the admin answers a question about a column that it does not show."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from chatdebug.models import ChatRun
from tests.factories import (
    ChatFactory,
    ChatStepFactory,
    TurnFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ADMINS = [
    pytest.param(one, id=model._meta.label)
    for model, one in admin.site._registry.items()
]
ENDINGS = ("", "__exact", "__startswith", "__icontains", "__regex", "__in", "__isnull")


@pytest.fixture
def superuser() -> Client:
    return signed_in(is_superuser=True)


def signed_in(*permissions: str, **facts: Any) -> Client:
    user = UserFactory(is_staff=True, **facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def columns(model: Any, *, depth: int = 2) -> list[str]:
    """Return the paths of all columns of a model and of those it is related to."""
    found: list[str] = []
    for field in model._meta.get_fields():
        name = field.name
        found.append(name)
        if field.is_relation and field.related_model and depth > 1:
            inner = columns(field.related_model, depth=depth - 1)
            found += [f"{name}__{one}" for one in inner]
    return found


def asked_by_filters(one: Any) -> set[str]:
    """Return the columns of a list's own filters; what these ask, the list shows."""
    named = one.list_filter
    return {
        item if isinstance(item, str) else getattr(item, "parameter_name", "")
        for item in named
    }


@pytest.mark.parametrize("one", ADMINS)
def test_every_column_is_out_of_reach_but_those_of_the_lists_filters(
    superuser: Client, one: Any, rf: Any
) -> None:
    request = rf.get("/")
    allowed = {
        f"{path}{ending}"
        for path in columns(one.model)
        for ending in ENDINGS
        if one.lookup_allowed(f"{path}{ending}", "x", request)
    }
    shown = asked_by_filters(one)
    assert {name for name in allowed if name.partition("__")[0] not in shown} == set()
    assert not [
        name for name in allowed if re.search("regex|contains|starts|__in$", name)
    ]


@pytest.mark.parametrize("one", ADMINS)
def test_an_address_that_asks_for_another_column_is_a_bad_request(
    superuser: Client, one: Any
) -> None:
    address = f"/admin/{one.opts.app_label}/{one.opts.model_name}/"
    if superuser.get(address).status_code != 200:
        return  # it has no list
    for path in columns(one.model):
        if path.partition("__")[0] in asked_by_filters(one):
            continue
        response = superuser.get(address, {f"{path}__startswith": "a"})
        assert response.status_code == 400, path


@pytest.mark.parametrize(
    "address",
    [
        "auth/user/?is_staff__exact=1",
        "auth/user/?groups__id__exact=1",
        "auth/user/?groups__isnull=True",
        "chatd/turn/?status__exact=error",
        "chatd/modelconfig/?provider__exact=openai&enabled__exact=0",
        "chatdebug/chatrun/?status__exact=error&provider=openai",
        "chatdebug/classificationrule/?kind__exact=config",
        "chatdebug/recordingswitch/?scope__exact=chat",
    ],
)
def test_the_filters_of_the_lists_still_work(superuser: Client, address: str) -> None:
    assert superuser.get(f"/admin/{address}").status_code == 200


@pytest.mark.parametrize(
    ("permission", "address"),
    [
        ("view_user", "auth/user/?password__startswith="),
        ("view_user", "auth/user/?auth_token__key__startswith=a"),
        ("view_user", "auth/user/?chats__title__startswith=About"),
        ("view_chatrun", "chatdebug/chatrun/?summary__first_message__startswith=What"),
        ("view_chatrun", "chatdebug/chatrun/?steps__error__icontains=ballast"),
        ("view_chat", "chatd/chat/?title__startswith=About"),
        ("view_chat", "chatd/chat/?title__regex=^(b%2B)%2B$"),
        ("view_chat", "chatd/chat/?title__regex=["),
        ("view_turn", "chatd/turn/?error__detail__icontains=ballast"),
        ("view_turn", "chatd/turn/?error__detail__contains=ballast"),
    ],
)
def test_staff_learn_nothing_of_hidden_content_by_counting_rows(
    permission: str, address: str
) -> None:
    TurnFactory(chat=ChatFactory(), error={"detail": "ballast"})
    ChatStepFactory()
    assert ChatRun.objects.exists()
    assert signed_in(permission).get(f"/admin/{address}").status_code == 400
