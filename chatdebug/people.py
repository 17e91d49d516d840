"""People by name, for administrators: those who have an account, or the host project's own.

The recorder knows people by their ids alone. A policy (``ACCESS_POLICY``) whose owners are
no accounts has functions of its own, named and called like the two here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q

from chatdebug.access import access_policy

PEOPLE_FOUND = 20
"""Of a search: whoever has more namesakes says more of the name."""
MAX_WORDS = 5
MAX_CHARACTERS = 200
"""Of what is searched for: SQLite refuses to look for much more."""
NAMES = ("first_name", "last_name")
"""Of an account that has them, as Django's have."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who owns chats, or may."""

    id: str
    """As runs have it in ``owner_id``."""
    name: str
    details: str = ""
    """What tells them from others of that name, such as an e-mail address."""


def people_like(text: str) -> list[Person]:
    """Return people in whose name or e-mail address each word of the text stands.

    At most ``PEOPLE_FOUND``, by name; nobody for an empty text. Raises django.db.Error.
    """
    words = text[:MAX_CHARACTERS].replace("\0", " ").split()[:MAX_WORDS]
    if not words:
        return []
    ask = getattr(access_policy(), "people_like", None)
    found = ask(" ".join(words)) if ask is not None else _accounts_like(words)
    return list(found)[:PEOPLE_FOUND]


def names_of(ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of people by their ids, of those who are known.

    Raises django.db.Error.
    """
    wanted = set(ids)
    ask = getattr(access_policy(), "names_of", None)
    return ask(wanted) if ask is not None else _names_of_accounts(wanted)


def _accounts_like(words: list[str]) -> list[Person]:
    model: Any = get_user_model()
    names = {model.USERNAME_FIELD, _email_field(model), *NAMES}
    columns = sorted(name for name in names if _has_column(model, name))
    accounts = model._default_manager.order_by(model.USERNAME_FIELD)
    for word in words:
        stands_there = Q()
        for column in columns:
            stands_there |= Q(**{f"{column}__icontains": word})
        accounts = accounts.filter(stands_there)
    return [_person(account) for account in accounts[:PEOPLE_FOUND]]


def _names_of_accounts(ids: set[str]) -> dict[str, str]:
    model: Any = get_user_model()
    keys = {}
    for text in ids:
        try:
            keys[text] = model._meta.pk.clean(text, None)
        except ValidationError:
            continue  # no account can have that id
    found = model._default_manager.in_bulk(list(keys.values()))
    return {text: str(found[key]) for text, key in keys.items() if key in found}


def _person(account: Any) -> Person:
    columns = (*NAMES, _email_field(account))
    details = (str(getattr(account, column, "") or "") for column in columns)
    return Person(str(account.pk), str(account), " ".join(filter(None, details)))


def _email_field(model: Any) -> str:
    return str(getattr(model, "EMAIL_FIELD", "email"))


def _has_column(model: Any, name: str) -> bool:
    try:
        return bool(model._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False
