"""Which tests use a database, and so run on PostgreSQL too, and which come first.

See tests/conftest.py.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from chatd.models import Chat
from tests.conftest import pytest_collection_modifyitems

REFUSED = "Database access not allowed"


@pytest.fixture
def rows(db: None) -> int:
    """Stand for a fixture that needs a database, and whose test does not say so."""
    return Chat.objects.count()


def is_marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


def touch(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("alias", ["default", "chatdebug"])
def test_without_the_mark_no_database_can_be_touched(
    request: pytest.FixtureRequest, alias: str
) -> None:
    assert not is_marked(request)
    with pytest.raises(RuntimeError, match=REFUSED):
        touch(alias)


@pytest.mark.parametrize("alias", ["default", "chatdebug"])
def test_without_the_mark_no_thread_can_touch_one(
    request: pytest.FixtureRequest, alias: str
) -> None:
    refused: list[str] = []

    def work() -> None:
        try:
            touch(alias)
        except RuntimeError as error:
            refused.append(str(error))

    assert not is_marked(request)
    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert [REFUSED in why for why in refused] == [True]


@pytest.mark.django_db
def test_the_marker_of_django_brings_the_mark(request: pytest.FixtureRequest) -> None:
    touch("default")
    assert is_marked(request)


@pytest.mark.django_db(transaction=True)
def test_a_test_that_commits_has_the_mark_and_both_connections(
    request: pytest.FixtureRequest,
) -> None:
    touch("default")
    touch("chatdebug")
    assert is_marked(request)


def test_a_fixture_that_needs_a_database_brings_the_mark(
    request: pytest.FixtureRequest, rows: int
) -> None:
    assert rows == 0
    assert is_marked(request)


@pytest.mark.parametrize(
    "fixture",
    [lambda db: None, lambda transactional_db: None, lambda live_server: None],
)
def test_each_fixture_of_django_is_known(
    request: pytest.FixtureRequest, fixture: Callable[..., Any]
) -> None:
    """Collected anew, as functions of a module would be: nothing of them is run."""
    made = pytest.Function.from_parent(
        request.node.parent, name="test_made_up", callobj=fixture
    )
    made.ihook.pytest_itemcollected(item=made)
    assert made.get_closest_marker("database")


@pytest.mark.parametrize(
    ("case", "marked"),
    [(TestCase, True), (TransactionTestCase, True), (SimpleTestCase, False)],
)
def test_djangos_own_cases_are_known(
    request: pytest.FixtureRequest, case: type[SimpleTestCase], marked: bool
) -> None:
    made_up = type("TestMadeUp", (case,), {"test_nothing": lambda self: None})
    module = request.node.getparent(pytest.Module)
    setattr(module.obj, made_up.__name__, made_up)
    try:
        collected = module.ihook.pytest_pycollect_makeitem(
            collector=module, name=made_up.__name__, obj=made_up
        )
        (item,) = collected.collect()
        item.ihook.pytest_itemcollected(item=item)
    finally:
        delattr(module.obj, made_up.__name__)
    assert bool(item.get_closest_marker("database")) is marked


def test_files_with_a_test_that_may_take_long_come_first_and_stay_whole() -> None:
    def test(path: str, *markers: str) -> Any:
        return SimpleNamespace(
            path=Path(path), get_closest_marker=lambda name: name in markers or None
        )

    items = [test("b"), test("b"), test("a"), test("a", "timeout"), test("c")]
    shuffled = [*items]
    pytest_collection_modifyitems(items)
    assert items == [*shuffled[2:4], *shuffled[:2], shuffled[4]]
