"""What a hub reads at a tick: the leaves since its cursor, and rendered from them one frame."""

import time
from collections.abc import Sequence
from typing import Final

from django.template.loader import render_to_string

from console.live.cases import case_fragments
from console.live.frames import ROWS_A_FRAME, TAPE_A_FRAME, CaseFragment, Frame, RowFragment
from console.live.hub import MAX_LAG
from console.presenters.events import ReadEvent, tape_item
from console.readings.figures import read_kpis, read_stages
from console.readings.intents import rows_of
from console.shell import OFF_TAPE, nav_counts
from console.types import RowView
from console.views.room import read_counts
from evidence.queries import events_after, next_index
from evidence.types import RecordedEvent
from zentra.core.clock import now as clock_now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.queries import list_intents
from zentra.tenants.permissions import Permission

# The figures cost more than the rows and nobody reads them four times a second. They take at most a twentieth of the
# time, so that a slow database is not made slower by its own dashboard.
FIGURES_EVERY_SECONDS: Final = 2.0
FIGURES_SHARE: Final = 20
EVENTS_A_TICK: Final = 400


class WorkspaceSource:
    """The news of one workspace for people with these permissions."""

    def __init__(self, workspace: TenantRef, permissions: frozenset[Permission]) -> None:
        self._workspace = workspace
        self._permissions = permissions
        self._base = f"/w/{workspace.slug}/"
        self._figures_due = 0.0

    def head(self) -> int:
        """The next leaf index."""
        with tenant_work(self._workspace):
            return next_index()

    def read(self, cursor: int) -> Frame | None:
        """One frame from the leaves at and after the cursor, or None when there are none."""
        with tenant_work(self._workspace):
            events = events_after(index=cursor - 1, limit=EVENTS_A_TICK)
            if not events:
                return self._figures_only(cursor)
            if len(events) == EVENTS_A_TICK and (lost := next_index() - cursor) > MAX_LAG:
                return Frame(since=cursor, cursor=cursor + lost, lost=lost, counts=self._counts())
            shown, names = _fit(events)
            following = (shown[-1].index or cursor) + 1
            rows = rows_of(
                list_intents(intent_ids=names, limit=ROWS_A_FRAME),
                base=self._base,
                now=clock_now(),
                link=f"{self._base}?selected=",
            )
            stages, kpis = self._figures()
            return Frame(
                since=cursor,
                cursor=following,
                intents=tuple(names),
                stages=stages,
                kpis=kpis,
                counts=self._counts() if kpis else {},
                rows=tuple(_fragment(row) for row in rows),
                tape=self._tape(shown),
                cases=self._cases(shown),
            )

    def _figures_only(self, cursor: int) -> Frame | None:
        """In a quiet moment the figures still age; they are told when they change by time alone."""
        stages, kpis = self._figures()
        return Frame(since=cursor, cursor=cursor, stages=stages, kpis=kpis, counts=self._counts()) if kpis else None

    def _figures(self) -> tuple[str, str]:
        started = time.monotonic()
        if started < self._figures_due:
            return "", ""
        now = clock_now()
        stages = render_to_string("console/parts/stages_inner.html", {"stages": read_stages(now=now)})
        figures = read_kpis(now=now, ledger_currency=self._workspace.ledger_currency, base=self._base)
        kpis = render_to_string("console/parts/kpis_inner.html", {"kpis": figures})
        took = time.monotonic() - started
        self._figures_due = started + max(FIGURES_EVERY_SECONDS, FIGURES_SHARE * took)
        return stages, kpis

    def _counts(self) -> dict[str, int]:
        return {**read_counts(now=clock_now()), **nav_counts(self._permissions)}

    def _cases(self, events: Sequence[RecordedEvent]) -> tuple[CaseFragment, ...]:
        if Permission.REVIEWS_READ not in self._permissions:
            return ()
        return case_fragments(events, base=self._base, now=clock_now())

    def _tape(self, events: Sequence[RecordedEvent]) -> tuple[str, ...]:
        if Permission.EVENTS_READ not in self._permissions:
            return ()
        newest = [event for event in reversed(events) if event.type not in OFF_TAPE][:TAPE_A_FRAME]
        return tuple(
            render_to_string(
                "console/parts/tape_item.html",
                {"item": tape_item(ReadEvent(event), intent_url=f"{self._base}intents/{event.intent_id}/")},
            )
            for event in newest
        )


def _fit(events: Sequence[RecordedEvent]) -> tuple[list[RecordedEvent], list[str]]:
    """As many events as name no more intents than a frame has rows, and those intents."""
    names: dict[str, None] = {}
    for position, event in enumerate(events):
        if event.intent_id is not None and event.intent_id not in names and len(names) == ROWS_A_FRAME:
            return list(events[:position]), list(names)
        if event.intent_id is not None:
            names[event.intent_id] = None
    return list(events), list(names)


def _fragment(row: RowView) -> RowFragment:
    return RowFragment(
        id=row.intent_id, groups=row.groups, html=render_to_string("console/parts/intent_row.html", {"row": row})
    )
