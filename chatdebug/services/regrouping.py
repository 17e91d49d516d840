"""Makes one group of several causes, and several of one again.

A group that is merged into another one keeps its row and counts on: merging and splitting
move no numbers, but add up anew what the whole has of its parts.
"""

from collections.abc import Iterable, Sequence

from django.db import router, transaction
from django.db.models import Count
from django.utils.translation import gettext

from chatdebug.access import User
from chatdebug.enums import GroupState
from chatdebug.models import ErrorGroup, GroupAffected, OwnNumbers
from chatdebug.models.groups import AFFECTED_KNOWN, MODELS_NAMED, Numbers
from chatdebug.models.runs import OVERFLOW
from chatdebug.services.audit import note_regrouping
from chatdebug.services.groups import settled

MOST_FINGERPRINTS = 50
"""Of how many fingerprints a group may be: its runs are read by each for itself."""
NUMBERS = tuple(field.name for field in Numbers._meta.local_fields)


class RegroupingError(Exception):
    """These groups cannot be merged, or this one not be split off: why, in a sentence."""


def merge_groups(*, into: ErrorGroup, others: Iterable[ErrorGroup], by: User) -> int:
    """Merge groups into one of them; return how many were merged.

    It keeps its state, note, ticket and assignee; theirs stay in their rows. A new one that
    takes in one that is not is open: somebody knows it. Raises RegroupingError, and
    django.db.Error.
    """
    using = router.db_for_write(ErrorGroup)
    keys = {group.pk for group in others} - {into.pk}
    with transaction.atomic(using=using):
        rows = _locked({into.pk, *keys}, using)
        whole = rows.pop(into.pk)
        _refuse_merge(whole, rows.values(), [rows[key] for key in keys])
        merged = [row for row in rows.values() if row.merged_into_id != whole.pk]
        if not merged:
            return 0
        if whole.state == GroupState.NEW and any(
            row.state != GroupState.NEW for row in merged if row.merged_into_id is None
        ):
            _change(whole, settled(state=GroupState.OPEN))
        if not hasattr(whole, "own"):
            numbers = {name: getattr(whole, name) for name in NUMBERS}
            whole.own = OwnNumbers(group=whole, **numbers)
            whole.own.save(using=using, force_insert=True)
        for row in merged:
            _leave_no_sums(row, using)
            row.merged_into = whole
            row.save(using=using, update_fields=["merged_into", *NUMBERS])
        _add_up(whole, using)
        names = ", ".join(sorted(row.fingerprint for row in merged))
        details = f"Merged into {whole.fingerprint}: {names}."
        note_regrouping(by=by, group=whole, details=details, using=using)
    return len(merged)


def split_group(*, part: ErrorGroup, by: User) -> ErrorGroup:
    """Let a part leave its group, and return it: a group of its own again.

    It has the state of the group that it leaves, for that is what people decided of its
    failures meanwhile; open where that is new. Raises RegroupingError, and django.db.Error.
    """
    using = router.db_for_write(ErrorGroup)
    with transaction.atomic(using=using):
        rows = _locked({part.pk}, using)
        row = rows[part.pk]
        if row.merged_into_id is None:
            raise RegroupingError(gettext("It is a group of its own already."))
        whole = rows[row.merged_into_id]
        _change(row, _state_of_part(row, whole))
        row.merged_into = None
        row.save(using=using)
        _add_up(whole, using)
        if not whole.parts.using(using).exists():
            _leave_no_sums(whole, using)
        details = f"Split off from {whole.fingerprint}: {row.fingerprint}."
        note_regrouping(by=by, group=row, details=details, using=using)
    return row


def _locked(keys: set[int], using: str) -> dict[int, ErrorGroup]:
    """Return these groups with their wholes and their parts, in the order of the writers.

    Raises RegroupingError where one is gone, or others come in at this moment.
    """
    groups = ErrorGroup.objects.using(using)
    wholes = {row.whole_key for row in groups.filter(pk__in=keys).only("merged_into")}
    families = groups.filter(pk__in=wholes) | groups.filter(merged_into__in=wholes)
    expected = set(families.values_list("pk", flat=True))
    locked = groups.filter(pk__in=expected).select_for_update().order_by("fingerprint")
    rows = {row.pk: row for row in locked}
    found = set(families.values_list("pk", flat=True))
    outside = {row.whole_key for row in rows.values()} - rows.keys()
    if not keys <= rows.keys() or found != rows.keys() or outside:
        raise _changed()
    return rows


def _changed() -> RegroupingError:
    return RegroupingError(
        gettext("Somebody else has just changed these groups. Look again.")
    )


def _refuse_merge(
    whole: ErrorGroup, others: Iterable[ErrorGroup], asked: Iterable[ErrorGroup]
) -> None:
    """Raise RegroupingError for what cannot be one group."""
    rows = [whole, *others]
    if whole.merged_into_id or any(
        row.merged_into_id not in (None, whole.pk) for row in asked
    ):
        raise _changed()
    if any(row.fingerprint == OVERFLOW for row in rows):
        raise RegroupingError(
            gettext("The group of what there was no room to tell apart is no cause.")
        )
    if len(rows) > MOST_FINGERPRINTS:
        most = {"most": MOST_FINGERPRINTS}
        raise RegroupingError(
            gettext("A group can have %(most)s fingerprints, not more.") % most
        )


def _add_up(whole: ErrorGroup, using: str) -> None:
    """Let a group have the sums of its own numbers and its parts'.

    A chat or a person whom several know by the id counts once. One whose id was forgotten
    counts for each that had counted it: nobody knows any more whether it was the same.
    "More than 1,000" stays that.
    """
    parts = list(whole.parts.using(using).order_by("pk"))
    rows: list[Numbers] = [whole.own, *parts]
    before = whole.count
    whole.count = sum(row.count for row in rows)
    if whole.ignored_until_count is not None:
        left = whole.ignored_until_count - before
        whole.ignored_until_count = max(0, whole.count + left)
    first = min(rows, key=lambda row: row.first_seen)
    last = max(rows, key=lambda row: row.last_seen)
    whole.first_seen, whole.first_release = first.first_seen, first.first_release
    whole.last_seen, whole.last_release = last.last_seen, last.last_release
    counted = [row.counted_since for row in rows if row.counted_since is not None]
    whole.counted_since = min(counted, default=None)
    named = (name for row in rows for name in _names(row))
    whole.model_names = list(dict.fromkeys(named))[:MODELS_NAMED]
    keys = [whole.pk, *(part.pk for part in parts)]
    ids = _ids(keys, using)
    whole.chats = _together([row.chats for row in rows], *ids.get("chat", (0, 0)))
    whole.people = _together([row.people for row in rows], *ids.get("person", (0, 0)))
    whole.save(using=using)


def _ids(keys: Sequence[int], using: str) -> dict[str, tuple[int, int]]:
    """Return how many ids these groups know, each for itself and together."""
    known = GroupAffected.objects.using(using).filter(group__in=keys).order_by()
    counts = known.values("what").annotate(
        ids=Count("pk"), different=Count("key", distinct=True)
    )
    return {row["what"]: (row["ids"], row["different"]) for row in counts}


def _together(numbers: Sequence[int], ids: int, different: int) -> int:
    forgotten = sum(numbers) - ids
    return min(different + forgotten, AFFECTED_KNOWN + 1)


def _leave_no_sums(row: ErrorGroup, using: str) -> None:
    """Let a group that has no parts any more have its own numbers."""
    if not hasattr(row, "own"):
        return
    for name in NUMBERS:
        setattr(row, name, getattr(row.own, name))
    row.own.delete(using=using)
    row.save(using=using)


def _names(row: Numbers) -> list[str]:
    return row.model_names if isinstance(row.model_names, list) else []


def _state_of_part(part: ErrorGroup, whole: ErrorGroup) -> dict[str, object]:
    if whole.state == GroupState.NEW:
        return settled(state=GroupState.OPEN)
    until = whole.ignored_until_count
    return {
        "state": whole.state,
        "state_since": whole.state_since,
        "resolved_release": whole.resolved_release,
        "ignored_until": whole.ignored_until,
        "ignored_until_count": None
        if until is None
        else max(0, part.count + until - whole.count),
    }


def _change(row: ErrorGroup, columns: dict[str, object]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
