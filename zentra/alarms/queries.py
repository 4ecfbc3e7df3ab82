"""The reads of this app: the door that others use. All within the current workspace; lists newest first."""

from typing import Final, Literal

from django.db.models import Q, QuerySet

from webhooks.types import Page, PageKey
from zentra.alarms import runbooks, store
from zentra.alarms.kinds import KINDS, Kind
from zentra.alarms.kinds import runbook_of as _runbook_of
from zentra.alarms.models import Alarm, Channel, Notice
from zentra.alarms.stuck import stuck_intents
from zentra.alarms.types import AlarmRecord, AlarmState, ChannelRecord, NoticeRecord
from zentra.core import ids

DEFAULT_LIMIT: Final = 50


def list_kinds() -> list[Kind]:
    """Every kind of alarm, in the order in which pages show them."""
    return list(KINDS.values())


def list_alarms(
    *,
    state: AlarmState | Literal["open"] | None = None,
    kind: str | None = None,
    before: PageKey | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[AlarmRecord]:
    """Alarms, newest first, after the row whose key is ``before``; ``open`` is raised and acknowledged together."""
    rows = Alarm.objects.order_by("-raised_at", "-id")
    if state == "open":
        rows = rows.exclude(state="cleared")
    elif state is not None:
        rows = rows.filter(state=state)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if before is not None:
        rows = rows.filter(
            Q(raised_at__lt=before[0]) | Q(raised_at=before[0], id__lt=ids.to_uuid(before[1], prefix="alm"))
        )
    return Page.of([store.alarm_record(row) for row in rows[: limit + 1]], limit=limit)


def get_alarm(*, alarm_id: str) -> AlarmRecord:
    """One alarm; raises AlarmNotFound, BadId."""
    row = Alarm.objects.filter(id=alarm_id).first()
    if row is None:
        raise store.AlarmNotFound(f"There is no alarm {alarm_id}.")
    return store.alarm_record(row)


def count_open_alarms() -> dict[str, int]:
    """How many alarms are raised and how many acknowledged: ``{"raised": 2, "acknowledged": 1}``."""
    states = list(Alarm.objects.exclude(state="cleared").values_list("state", flat=True))
    return {"raised": states.count("raised"), "acknowledged": states.count("acknowledged")}


def list_channels(*, with_removed: bool = False) -> list[ChannelRecord]:
    """Who is told, the oldest first; with those that were removed when asked."""
    rows = Channel.objects.order_by("created_at", "id")
    return [store.channel_record(row) for row in (rows if with_removed else rows.filter(state="active"))]


def get_channel(*, channel_id: str) -> ChannelRecord:
    """One channel that is not removed; raises ChannelNotFound, BadId."""
    return store.channel_record(store.active_channel(channel_id))


def list_sent(*, limit: int = DEFAULT_LIMIT, before: PageKey | None = None) -> Page[NoticeRecord]:
    """Every mail and webhook with what became of it, newest first, after the row whose key is ``before``."""
    rows = _notices().order_by("-created_at", "-id")
    if before is not None:
        rows = rows.filter(
            Q(created_at__lt=before[0]) | Q(created_at=before[0], id__lt=ids.to_uuid(before[1], prefix="ntc"))
        )
    return Page.of([store.notice_record(row) for row in rows[: limit + 1]], limit=limit)


def notices_of(*, alarm_id: str) -> list[NoticeRecord]:
    """What was told of one alarm, the oldest first."""
    return [store.notice_record(row) for row in _notices().filter(alarm_id=alarm_id).order_by("created_at", "id")]


def runbook_of(*, kind: str) -> str:
    """The slug of the runbook of a kind; raises UnknownAlarmKind."""
    return _runbook_of(kind)


def read_runbook(*, slug: str) -> str:
    """A runbook as Markdown; raises RunbookNotFound."""
    return runbooks.read_runbook(slug)


def list_runbooks() -> list[tuple[str, str]]:
    """(slug, title) of every runbook."""
    return runbooks.list_runbooks()


def _notices() -> QuerySet[Notice]:
    return Notice.objects.select_related("channel", "alarm")


__all__ = [
    "count_open_alarms",
    "get_alarm",
    "get_channel",
    "list_alarms",
    "list_channels",
    "list_kinds",
    "list_runbooks",
    "list_sent",
    "notices_of",
    "read_runbook",
    "runbook_of",
    "stuck_intents",
]
