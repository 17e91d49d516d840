"""Pages that say what went wrong look like the others, and lead back."""

import pytest
from django.conf import LazySettings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

ERRORS = {
    "400": SuspiciousOperation("x"),
    "403": PermissionDenied("x"),
    "500": RuntimeError("x"),
}


def fail(request: HttpRequest, status: str) -> HttpResponse:
    raise ERRORS[status]


urlpatterns = [
    path("fails/<str:status>/", fail),
    path("", include("chatd.urls")),
]


@pytest.fixture
def client(settings: LazySettings) -> Client:
    settings.ROOT_URLCONF = __name__
    settings.DEBUG = False
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.django_db
@pytest.mark.parametrize("status", [*ERRORS, "404"])
def test_an_error_page_has_a_style_and_a_way_back_and_asks_no_database(
    client: Client, status: str
) -> None:
    address = f"/fails/{status}/" if status in ERRORS else "/nowhere/"
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    text = response.content.decode()
    assert response.status_code == int(status)
    assert "chatd/chatd.css" in text
    assert '<a class="button" href="/chats/">' in text
    assert len(captured) == 0
    assert "Content-Security-Policy" in response.headers


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
def test_a_form_of_another_session_is_told_so_on_a_page_of_ours(
    client: Client, settings: LazySettings, debug: bool
) -> None:
    settings.DEBUG = debug
    response = client.post("/accounts/login/", {"username": "x"})
    assert response.status_code == 403
    assert b"Your session has changed" in response.content
    assert b"chatd/chatd.css" in response.content
