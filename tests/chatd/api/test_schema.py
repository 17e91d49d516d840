"""The API's description: it is of this code, it is served, and it says what is common."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from rest_framework.test import APIClient

from chatd.api.views import OPENAPI
from tests.factories import UserFactory

SCHEMA = "/api/v1/schema/"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
    return found


def operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation for path in described["paths"].values() for operation in path.values()
    ]


def test_the_file_is_what_the_code_says(tmp_path: Path) -> None:
    generated = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(generated), validate=True, fail_on_warn=True)
    stored, now = OPENAPI.read_text(), generated.read_text()
    assert stored == now, "`make schema` writes it"


@pytest.mark.django_db
def test_it_is_served_to_who_is_signed_in(described: dict[str, Any]) -> None:
    api = APIClient()
    assert api.get(SCHEMA).status_code == 401
    api.force_authenticate(UserFactory())
    assert api.get(SCHEMA).json() == described


def test_each_operation_has_a_name_a_sentence_and_a_tag(
    described: dict[str, Any],
) -> None:
    found = operations(described)
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names) > 20
    for operation in found:
        assert operation["summary"], operation["operationId"]
        assert operation["tags"] in (["chats"], ["debug"], ["models"], ["tokens"])


def test_each_error_is_a_problem(described: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for operation in operations(described):
        errors = {s: r for s, r in operation["responses"].items() if s >= "400"}
        assert "429" in errors
        assert ("401" in errors) == ({"token": []} in operation.get("security", []))
        for response in errors.values():
            content = {"application/problem+json": {"schema": problem}}
            assert response["content"] == content
            assert "`" in response["description"], "its codes"
