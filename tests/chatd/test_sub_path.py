"""The site below a path of its host."""

import re
from collections.abc import Iterator

import httpx2
import pytest

from tests.process import SiteProcess

pytestmark = pytest.mark.timeout(300)

PATH = "/office/chat"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Run the demo below a path, and yield a client that is signed in there."""
    folder = tmp_path_factory.mktemp("site")
    environment = {
        "FORCE_SCRIPT_NAME": PATH,
        "DJANGO_SETTINGS_MODULE": "chatd.settings",  # as a user's, for its static files
    }
    with (
        SiteProcess(folder, **environment) as site,
        httpx2.Client(base_url=site.url, follow_redirects=True, timeout=60) as client,
    ):
        page = client.get(f"{PATH}/")
        assert page.url.path == f"{PATH}/accounts/login/"
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        form = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token}
        page = client.post(page.url, data=form)
        assert (page.status_code, page.url.path) == (200, f"{PATH}/chats/")
        yield client


def addresses(page: httpx2.Response) -> set[str]:
    """Return the addresses of this site that a page names, for links and for htmx."""
    found = re.findall(r'(?:href|src|action|hx-\w+|sse-connect)="(/[^"]*)"', page.text)
    return set(found)


def test_every_address_of_a_page_is_below_the_path(client: httpx2.Client) -> None:
    found = addresses(client.get(f"{PATH}/chats/"))
    assert any("/static/" in address for address in found)
    assert {one for one in found if not one.startswith(f"{PATH}/")} == set()


def test_static_files_are_answered_there(client: httpx2.Client) -> None:
    pages = [client.get(f"{PATH}/chats/"), client.get(f"{PATH}/admin/login/")]
    files = {one for page in pages for one in addresses(page) if "/static/" in one}
    assert len(files) > 5
    for file in files:
        assert client.get(file).status_code == 200, file


def test_an_error_page_leads_back_there(client: httpx2.Client) -> None:
    page = client.get(f"{PATH}/nothing/here/")
    assert page.status_code == 404
    assert {one for one in addresses(page) if not one.startswith(f"{PATH}/")} == set()


def test_a_proxy_may_take_the_path_off(client: httpx2.Client) -> None:
    """The path is then in what the pages name, and not in what is asked."""
    found = addresses(client.get("/chats/"))
    assert {one for one in found if not one.startswith(f"{PATH}/")} == set()
    (style,) = (one for one in found if one.endswith("chatd.css"))
    assert client.get(style.removeprefix(PATH)).status_code == 200
