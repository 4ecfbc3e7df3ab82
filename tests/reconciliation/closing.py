"""A month of a workspace as the tests close it: each call is a unit of work, committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ParamSpec, TypeVar

from tests.ledger.book import Book
from tests.reconciliation.matchbook import MatchBook
from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import operations, queries
from zentra.reconciliation.closeout.checklist import TASKS
from zentra.reconciliation.closeout.types import Overview, PeriodRecord, TieOutRecord

P = ParamSpec("P")
T = TypeVar("T")
LAST = clock.now().date().replace(day=1) - timedelta(days=1)
"""The last day of the month that the tests close: the one before this."""


def person() -> Actor:
    """Somebody of finance."""
    return Actor("user", ids.new_id("usr"), "finance")


@dataclass
class Closing:
    """The month before this one, with its bank account, a preparer and an approver."""

    ws: TenantRef
    book: Book = field(init=False)
    bank: MatchBook = field(init=False)
    preparer: Actor = field(default_factory=person)
    approver: Actor = field(default_factory=person)

    def __post_init__(self) -> None:
        self.book, self.bank = Book(self.ws), MatchBook(self.ws)

    def do(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """One call of a door, committed."""
        with tenant_work(self.ws):
            return call(*args, **kwargs)

    def day(self, before_the_end: int = 10) -> date:
        """A day of the month, so many before its last."""
        return LAST - timedelta(days=before_the_end)

    def noon(self, before_the_end: int = 10) -> datetime:
        """Noon of it, UTC."""
        return datetime.fromisoformat(f"{self.day(before_the_end)}T12:00:00+00:00")

    def money(self, amount: int, reference: str, *, before_the_end: int = 10, purpose: str = "manual") -> str:
        """Money in the bank, owed to nobody known yet; the posting's id."""
        return self.book.move(
            "bank", "suspense", amount, effective_at=self.noon(before_the_end), external_reference=reference,
            purpose=purpose,
        ).posting_id  # fmt: skip

    def run(self) -> None:
        """Place the entries, take them over, match."""
        self.book.sequence()
        self.bank.run()

    def state(self, *lines: tuple[int, str], closing: int | None = None, before_the_end: int = 9) -> list[str]:
        """The bank's statement of the whole month; the ids of its lines."""
        total = sum(amount for amount, _ in lines)
        return self.bank.state(
            *({"amount": amount, "reference": words, "on": self.day(before_the_end)} for amount, words in lines),
            ends_on=LAST, opening_minor=0, closing_minor=total if closing is None else closing,
        )  # fmt: skip

    @property
    def period(self) -> PeriodRecord:
        """The month; made when it is not there yet."""
        self.do(operations.ensure_periods, now=clock.now())
        found = self.do(queries.find_period, month=f"{LAST:%Y-%m}")
        assert found is not None
        return found

    def tie_out(self) -> TieOutRecord:
        """The bank's tie-out, computed anew."""
        (found,) = self.do(operations.refresh_tie_outs, period_id=self.period.id, now=clock.now())
        return found

    def overview(self) -> Overview:
        """The month in numbers."""
        return self.do(queries.get_overview, period_id=self.period.id, now=clock.now())

    def prepare(self, by: Actor | None = None) -> TieOutRecord:
        """The first signature under what stands; the month is closed softly before."""
        if self.period.state == "open":
            self.soft_close()
        found = self.tie_out()
        return self.do(
            operations.prepare_tie_out, tie_out_id=found.id, figures_hash=found.figures_hash,
            actor=by or self.preparer, now=clock.now(),
        )  # fmt: skip

    def approve(self, by: Actor | None = None) -> TieOutRecord:
        """The second one."""
        found = self.tie_out()
        return self.do(
            operations.approve_tie_out, tie_out_id=found.id, figures_hash=found.figures_hash,
            actor=by or self.approver, now=clock.now(),
        )  # fmt: skip

    def explain(self, by: Actor | None = None, words: str = "put right in the next month") -> TieOutRecord:
        """Say why something is left."""
        found = self.tie_out()
        return self.do(
            operations.explain_tie_out, tie_out_id=found.id, explanation=words, version=found.version,
            actor=by or self.preparer, now=clock.now(),
        )  # fmt: skip

    def soft_close(self, by: Actor | None = None) -> PeriodRecord:
        """Adjustments only."""
        period = self.period
        return self.do(
            operations.soft_close_period, period_id=period.id, version=period.version, actor=by or self.preparer,
            now=clock.now(),
        )  # fmt: skip

    def lock(self, by: Actor | None = None) -> PeriodRecord:
        """Nothing any more."""
        period = self.period
        return self.do(
            operations.lock_period, period_id=period.id, version=period.version, actor=by or self.approver,
            now=clock.now(),
        )  # fmt: skip

    def tick_off(self) -> None:
        """Everything on the checklist that people tick off before the lock, in its order."""
        for kind in TASKS:
            if kind.is_computed or kind.key == "packet":
                continue
            tasks = self.do(queries.list_tasks, period_id=self.period.id, now=clock.now())
            task = next(each for each in tasks if each.key == kind.key)
            self.do(
                operations.finish_task, task_id=task.id, note="looked at", links=[], version=task.version,
                actor=self.preparer, now=clock.now(),
            )  # fmt: skip

    def ask_reopen(self, by: Actor | None = None, *, minutes: int = 60) -> PeriodRecord:
        """Ask for it to be opened again."""
        period = self.period
        return self.do(
            operations.request_reopen, period_id=period.id, reason="a fee was forgotten", minutes=minutes,
            version=period.version, actor=by or self.preparer, now=clock.now(),
        )  # fmt: skip

    def lock_expired(self, now: datetime) -> PeriodRecord | None:
        """What the worker does with a re-opened month."""
        for period_id in self.do(queries.list_expired, now=now):
            return self.do(operations.lock_expired, period_id=period_id, now=now)
        return None

    def let_reopen(self, by: Actor | None = None) -> PeriodRecord:
        """Let it."""
        period = self.period
        return self.do(
            operations.approve_reopen, period_id=period.id, version=period.version, actor=by or self.approver,
            now=clock.now(),
        )  # fmt: skip

    def close(self) -> PeriodRecord:
        """Everything, from one payment to the lock."""
        self.money(1_000, "R1")
        self.run()
        self.state((1_000, "R1"))
        self.run()
        self.soft_close()
        self.prepare()
        self.approve()
        self.tick_off()
        return self.lock()
