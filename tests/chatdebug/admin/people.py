"""People of the admin, with the permissions that a test is about."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.factories import UserFactory


def staff(*permissions: str, **facts: Any) -> User:
    """Return a member of the staff with these permissions."""
    user: User = UserFactory(is_staff=True, **facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def client_with(*permissions: str, **facts: Any) -> Client:
    """Return a client that such a person has signed in with."""
    client = Client()
    client.force_login(staff(*permissions, **facts))
    return client
