"""Switches full recording on and off, and leaves a trace of who did."""

from datetime import datetime

from django.db import router, transaction

from chatdebug.access import User
from chatdebug.levels import forget_levels
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope

NAME_CHARACTERS = 200


def set_switch(
    *,
    scope: Scope,
    key: str,
    enabled: bool,
    by: User | None,
) -> bool:
    """Set one switch; return whether that changed anything.

    Nothing is written when the value in force is the same already: who confirms a default
    leaves no row, and no trace of a change that was none. One that is on keeps its end.
    A change leaves a ``SwitchChange`` with the old and the new value.
    """
    using = router.db_for_write(RecordingSwitch)
    with transaction.atomic(using=using):
        switch = _locked(scope, key)
        if switch is None and enabled:
            switch = _made(scope, key)
        if switch is None or switch.is_in_force == enabled:
            return False
        _change(switch, enabled=enabled, until=None, by=by)
    transaction.on_commit(forget_levels, using=using)
    return True


def switch_on_until(
    *, scope: Scope, key: str, until: datetime | None, by: User | None
) -> bool:
    """Switch on until then, or without an end; return whether that changed anything.

    It ends by itself, and leaves no trace of its own then: the change names the end.
    """
    using = router.db_for_write(RecordingSwitch)
    with transaction.atomic(using=using):
        switch = _locked(scope, key) or _made(scope, key)
        if switch.is_in_force and switch.until == until:
            return False
        _change(switch, enabled=True, until=until, by=by)
    transaction.on_commit(forget_levels, using=using)
    return True


def _locked(scope: Scope, key: str) -> RecordingSwitch | None:
    """Return the switch, locked against a change at the same time; None if there is none."""
    switches = RecordingSwitch.objects.select_for_update()
    return switches.filter(scope=scope, key=key).first()


def _made(scope: Scope, key: str) -> RecordingSwitch:
    """Return a new switch that is off, locked; or the one that was made at the same time."""
    new = RecordingSwitch(scope=scope, key=key)
    RecordingSwitch.objects.bulk_create([new], ignore_conflicts=True)
    return RecordingSwitch.objects.select_for_update().get(scope=scope, key=key)


def _change(
    switch: RecordingSwitch, *, enabled: bool, until: datetime | None, by: User | None
) -> None:
    old = switch.is_in_force
    switch.enabled, switch.until = enabled, until
    switch.save()
    SwitchChange.objects.create(
        scope=switch.scope,
        key=switch.key,
        old_value=old,
        new_value=enabled,
        until=until,
        changed_by_id="" if by is None else str(by.pk),
        changed_by=str(by or "")[:NAME_CHARACTERS],
    )
