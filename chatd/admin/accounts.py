"""Accounts and their roles in Django's admin.

An account can be deleted here, and all that its owner wrote goes with it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from chatd.models import Chat
from chatd.services.accounts import delete_account
from chatdebug.admin.lookups import NamedLookups

if TYPE_CHECKING:
    from django.contrib.auth.models import User
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister(get_user_model())
admin.site.unregister(Group)


@admin.register(get_user_model())
class AccountAdmin(NamedLookups, UserAdmin):
    """Accounts. Superusers alone give rights, and touch accounts that have some.

    Else whoever may change accounts could give themselves every right, or set the
    password of somebody who has it.
    """

    def get_deleted_objects(
        self, objs: "QuerySet[User] | Iterable[Any]", request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Return what goes with an account, by number: titles are made of what was said."""
        users = cast("list[User]", list(objs))
        chats = [Chat.objects.owned_by(user).count() for user in users]
        lines = [
            f"{user}, with {count} chats and all that was said in them"
            for user, count in zip(users, chats, strict=True)
        ]
        may_all = all(self.has_delete_permission(request, user) for user in users)
        lacking = set() if may_all else {"staff account"}
        return lines, {"users": len(users), "chats": sum(chats)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: "User") -> None:
        """Delete an account with its chats and their evidence."""
        delete_account(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        """Delete accounts one by one."""
        for user in queryset:
            delete_account(user=user)

    def has_change_permission(
        self, request: HttpRequest, obj: "User | None" = None
    ) -> bool:
        """Keep the accounts of staff, and their passwords, for superusers."""
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: "User | None" = None
    ) -> bool:
        """Keep the accounts of staff for superusers."""
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_readonly_fields(
        self, request: HttpRequest, obj: "User | None" = None
    ) -> tuple[str, ...]:
        """Return what only superusers change."""
        fixed = () if cast("User", request.user).is_superuser else RIGHTS
        return (*super().get_readonly_fields(request, obj), *fixed)


@admin.register(Group)
class RoleAdmin(NamedLookups, GroupAdmin):
    """Groups."""


def _may_touch(request: HttpRequest, account: "User | None") -> bool:
    user = cast("User", request.user)
    has_rights = account is not None and (account.is_staff or account.is_superuser)
    return user.is_superuser or not has_rights
