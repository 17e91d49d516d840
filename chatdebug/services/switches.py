"""Switches full recording on and off, and leaves a trace of who did."""

from django.db import router, transaction

from chatdebug.access import User
from chatdebug.levels import forget_levels
from chatdebug.models import RecordingSwitch, SwitchChange
from chatdebug.models.switches import Scope


def set_switch(
    *,
    scope: Scope,
    key: str,
    enabled: bool,
    by: User | None,
) -> bool:
    """Set one switch; return whether that changed anything.

    Nothing is written when the value in force is the same already: who confirms a default
    leaves no row, and no trace of a change that was none. A change leaves a
    ``SwitchChange`` with the old and the new value.
    """
    using = router.db_for_write(RecordingSwitch)
    with transaction.atomic(using=using):
        switch = _locked(scope, key)
        if switch.enabled == enabled:
            return False
        old, switch.enabled = switch.enabled, enabled
        switch.save()
        SwitchChange.objects.create(
            scope=scope,
            key=key,
            old_value=old,
            new_value=enabled,
            changed_by_id="" if by is None else str(by.pk),
            changed_by=str(by or ""),
        )
    transaction.on_commit(forget_levels, using=using)
    return True


def _locked(scope: Scope, key: str) -> RecordingSwitch:
    """Return the switch, locked against a change at the same time; an unsaved new one."""
    switches = RecordingSwitch.objects.select_for_update()
    found = switches.filter(scope=scope, key=key).first()
    return found or RecordingSwitch(scope=scope, key=key)
