"""A group's newest failure as a test that is taken away: by whom, for a reason."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import LazySettings
from django.test import Client

from chatdebug.cassettes.cassette import Cassette
from chatdebug.models import ChatRun, ContentReading, ErrorGroup
from tests.chatdebug.admin.people import staff
from tests.chatdebug.management.test_cassette_commands import ASKED, ATTEMPT, ERROR
from tests.factories import ChatRunFactory, ChatStepFactory, ErrorGroupFactory

pytestmark = pytest.mark.django_db

READER = ("view_errorgroup", "view_chatrun", "view_content")
FINGERPRINT = "a0a0a0a0a0a0a0a0"
REASON = "to mend it"


@pytest.fixture
def group() -> ErrorGroup:
    run = ChatRunFactory(
        provider="openai", model="gpt-5", fingerprint=FINGERPRINT, owner_id="7"
    )
    ChatStepFactory(
        run=run,
        operation="generate",
        error=ERROR,
        attempts=[ATTEMPT],
        metadata={"evidence": "full"},
    )
    return ErrorGroupFactory(fingerprint=FINGERPRINT)


def page(group: ErrorGroup) -> str:
    return f"/admin/chatdebug/errorgroup/{group.pk}/change/"


def take(client: Client, group: ErrorGroup, **sent: Any) -> Any:
    return client.post(f"/admin/chatdebug/errorgroup/{group.pk}/test/", sent)


def files(response: Any) -> dict[str, str]:
    assert response.status_code == 200
    with ZipFile(BytesIO(response.content)) as archive:
        return {
            name.rpartition(".")[2]: archive.read(name).decode()
            for name in archive.namelist()
        }


def test_test_and_cassette_are_given_for_a_reason_which_is_noted(
    client: Client, group: ErrorGroup
) -> None:
    client.force_login(reader := staff(*READER))
    response = take(client, group, reason=REASON)
    found = files(response)
    assert "play_cassette" in found["py"]
    assert Cassette.read(found["json"]).answers[0].status == 400
    assert ASKED not in found["py"] + found["json"]
    assert "no-store" in response.headers["Cache-Control"]
    assert ".zip" in response.headers["Content-Disposition"]
    reading = ContentReading.objects.get()
    run = ChatRun.objects.get()
    noted = (reading.reader_id, reading.run_id, reading.owner_id, reading.reason)
    assert noted == (str(reader.pk), str(run.pk), "7", REASON)


def test_what_was_really_asked_is_in_it_where_that_is_asked_for(
    client: Client, group: ErrorGroup
) -> None:
    client.force_login(staff(*READER))
    found = files(take(client, group, reason=REASON, with_content="on"))
    assert ASKED in found["json"]
    assert "IT HOLDS WHAT SOMEBODY WROTE" in found["py"]


def test_without_a_reason_nothing_is_given(client: Client, group: ErrorGroup) -> None:
    client.force_login(staff(*READER))
    for reason in ("", "  "):
        response = take(client, group, reason=reason)
        assert (response.status_code, response.url) == (302, page(group))
    assert "Say why you need to read it." in client.get(page(group)).content.decode()
    assert not ContentReading.objects.exists()


@pytest.mark.parametrize("missing", READER)
def test_whoever_may_not_read_content_gets_none_and_sees_no_form(
    missing: str, client: Client, group: ErrorGroup
) -> None:
    client.force_login(staff(*(name for name in READER if name != missing)))
    assert take(client, group, reason=REASON).status_code == 403
    shown = client.get(page(group))
    assert "Test of the newest one" not in shown.content.decode()
    assert not ContentReading.objects.exists()


@pytest.mark.parametrize("use_tz", [True, False])
def test_the_page_has_the_form(
    use_tz: bool, client: Client, group: ErrorGroup, settings: LazySettings
) -> None:
    settings.USE_TZ = use_tz
    client.force_login(staff(*READER))
    shown = client.get(page(group)).content.decode()
    assert f'action="/admin/chatdebug/errorgroup/{group.pk}/test/"' in shown
    assert "play_cassette" in files(take(client, group, reason=REASON))["py"]


def test_where_nothing_can_be_made_that_is_told(
    client: Client, group: ErrorGroup
) -> None:
    client.force_login(staff(*READER))
    ChatRun.objects.all().delete()
    assert take(client, group, reason=REASON).status_code == 302
    told = client.get(page(group)).content.decode()
    assert "No run of this group is kept any more." in told
    step = ChatStepFactory(run__fingerprint=FINGERPRINT, operation="run", error=ERROR)
    assert take(client, group, reason=REASON).status_code == 302
    assert "failed outside of its calls" in client.get(page(group)).content.decode()
    assert step.run.pk is not None


def test_there_is_none_of_a_group_that_there_is_not(
    client: Client, group: ErrorGroup
) -> None:
    client.force_login(staff(*READER))
    assert client.post("/admin/chatdebug/errorgroup/0/test/").status_code == 404
    assert (
        client.get(f"/admin/chatdebug/errorgroup/{group.pk}/test/").status_code == 405
    )
