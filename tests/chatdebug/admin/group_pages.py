"""The pages of groups in the admin, as their tests ask for them."""

from django.test import Client

from chatdebug.models import ErrorGroup

LIST = "/admin/chatdebug/errorgroup/"


def page_of(group: ErrorGroup) -> str:
    """Return the address of a group's page."""
    return f"{LIST}{group.pk}/change/"


def text(client: Client, url: str) -> str:
    """Return what a page says, which there has to be."""
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def titles(client: Client, query: str = "") -> list[str]:
    """Return the titles of the groups in the list."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return [group.title for group in response.context["cl"].result_list]
