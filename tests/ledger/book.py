"""A workspace's ledger as the tests speak to it: each call is a unit of work of its own, committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from ledger import operations, queries
from ledger.types import (
    AccountRecord,
    Balances,
    BatchItem,
    HoldChange,
    HoldRecord,
    Line,
    NewPosting,
    Posted,
    PostingFacts,
    PostingState,
)
from zentra.core import actors, clock, ids
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work

T = TypeVar("T")
BEGUN = clock.now()


@dataclass(frozen=True)
class Book:
    """The ledger of one workspace."""

    workspace: TenantRef

    def open(
        self, code: str, *, floor: int | None = None, account_type: str = "customer", currency: str = "USD"
    ) -> str:
        """A new account; its id."""
        return self.account(code, floor=floor, account_type=account_type, currency=currency).id

    def account(
        self, code: str, *, floor: int | None = None, account_type: str = "customer", currency: str = "USD"
    ) -> AccountRecord:
        """A new account."""
        with tenant_work(self.workspace):
            return operations.open_account(
                code=code,
                account_type=account_type,
                currency=currency,
                floor_minor=floor,
                actor=actors.LEDGER,
                now=clock.now(),
            )

    def move(self, debit: str, credit: str, amount: int, **more: Any) -> Posted:
        """A posting of two entries."""
        return self.post([Line(debit, "debit", amount), Line(credit, "credit", amount)], **more)

    def post(self, lines: Sequence[Line], **more: Any) -> Posted:
        """A posting."""
        with tenant_work(self.workspace):
            return operations.post_entries(lines=lines, **terms(**more))

    def reverse(self, posted: Posted, **more: Any) -> Posted:
        """The reversal of a posting, or of a part of it."""
        with tenant_work(self.workspace):
            return operations.reverse_posting(
                posting_id=posted.posting_id,
                reversal_id=more.pop("reversal_id", None) or ids.new_id("posting"),
                actor=actors.LEDGER,
                correlation_id="req_test",
                recorded_at=clock.now(),
                reason="a mistake",
                **more,
            )

    def correct(self, posted: Posted, lines: Sequence[Line], **more: Any) -> tuple[Posted, Posted]:
        """What a posting should have been, in its place."""
        with tenant_work(self.workspace):
            return operations.correct_posting(
                posting_id=posted.posting_id,
                lines=lines,
                currency=posted.currency,
                reversal_id=more.pop("reversal_id", None) or ids.new_id("posting"),
                correction_id=more.pop("correction_id", None) or ids.new_id("posting"),
                actor=actors.LEDGER,
                correlation_id="req_test",
                recorded_at=clock.now(),
                reason="a mistake",
                **more,
            )

    def batch(self, items: Sequence[BatchItem], *, is_atomic: bool) -> list[Posted | DomainError]:
        """Many postings in one call."""
        with tenant_work(self.workspace):
            return operations.post_batch(items=items, is_atomic=is_atomic)

    def hold(self, account: str, amount: int, **more: Any) -> HoldRecord:
        """Funds of an account, reserved."""
        with tenant_work(self.workspace):
            return operations.place_hold(
                account=account,
                amount_minor=amount,
                reference="order 1",
                source="req_test",
                **step(more.pop("now", None)),
                **more,
            ).hold

    def two_phase(self, lines: Sequence[Line], **more: Any) -> HoldRecord:
        """A posting that is pending until it is captured or released."""
        with tenant_work(self.workspace):
            return operations.place_posting(
                lines=lines,
                currency="USD",
                reference="order 1",
                source="req_test",
                **step(more.pop("now", None)),
                **more,
            ).hold

    def increase(self, hold_id: str, amount: int) -> HoldRecord:
        """More of the same hold."""
        with tenant_work(self.workspace):
            return operations.increase_hold(hold_id=hold_id, amount_minor=amount, reason="more", **step()).hold

    def capture(self, hold_id: str, amount: int | None = None, **more: Any) -> HoldChange:
        """Move what is held."""
        with tenant_work(self.workspace):
            return operations.capture_hold(hold_id=hold_id, amount_minor=amount, **step(more.pop("now", None)), **more)

    def release(self, hold_id: str, amount: int | None = None) -> HoldRecord:
        """Give back what is held."""
        with tenant_work(self.workspace):
            return operations.release_hold(hold_id=hold_id, amount_minor=amount, reason="not needed", **step()).hold

    def extend(self, hold_id: str, expires_at: datetime | None, *, now: datetime) -> HoldRecord:
        """Let a hold end later."""
        with tenant_work(self.workspace):
            return operations.extend_hold(
                hold_id=hold_id, expires_at=expires_at, reason="still open", actor=actors.LEDGER, now=now
            ).hold

    def expire(self, *, now: datetime) -> int:
        """Let the expiry task run once."""
        with tenant_work(self.workspace):
            return operations.expire_holds(now=now, actor=actors.LEDGER)

    def find_hold(self, hold_id: str) -> HoldRecord:
        """A hold as it stands."""
        with tenant_work(self.workspace):
            return queries.get_hold(hold_id=hold_id)

    def freeze(self, account_id: str) -> AccountRecord:
        """Nothing posts to the account any more."""
        return self._state(operations.freeze_account, account_id)

    def unfreeze(self, account_id: str) -> AccountRecord:
        """Postings are allowed again."""
        return self._state(operations.unfreeze_account, account_id)

    def close(self, account_id: str) -> AccountRecord:
        """Close an account for good."""
        return self._state(operations.close_account, account_id)

    def limit(self, account_id: str, *, floor: int | None = None, ceiling: int | None = None) -> AccountRecord:
        """Give an account its limits."""
        with tenant_work(self.workspace):
            return operations.set_limits(
                account_id=account_id,
                floor_minor=floor,
                ceiling_minor=ceiling,
                reason="test",
                actor=actors.LEDGER,
                now=clock.now(),
            )

    def _state(self, change: Callable[..., AccountRecord], account_id: str) -> AccountRecord:
        with tenant_work(self.workspace):
            return change(account_id=account_id, reason="test", actor=actors.LEDGER, now=clock.now())

    def balances(self, account: str) -> Balances:
        """What an account holds."""
        with tenant_work(self.workspace):
            return queries.get_balances(account=account)

    def net(self, account: str) -> int:
        """Credits − debits of an account."""
        return self.balances(account).net_minor

    def sequence(self, limit: int = 5000) -> int:
        """Let the sequencer run once."""
        with tenant_work(self.workspace):
            return operations.sequence_entries(now=clock.now(), limit=limit)

    def drift(self) -> dict[str, int]:
        """The drift by currency."""
        with tenant_work(self.workspace):
            return {drift.currency: drift.drift_minor for drift in queries.drift_by_currency()}

    def diverging(self) -> int:
        """How many accounts do not hold the sum of their entries."""
        with tenant_work(self.workspace):
            return operations.resum_entries(now=clock.now())

    def sql(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Go round Python: a statement as the application's database role."""
        with tenant_work(self.workspace), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def contents(self) -> list[tuple[Any, ...]]:
        """Everything that a refused posting must leave as it was."""
        return [
            *self.sql("SELECT * FROM ledger_balance ORDER BY account_id"),
            *self.sql("SELECT id, entry_hash FROM ledger_posting ORDER BY id"),
            *self.sql("SELECT * FROM ledger_entry ORDER BY id"),
            *self.sql("SELECT * FROM ledger_entry_position ORDER BY account_id, version"),
            *self.sql("SELECT * FROM ledger_entry_unsequenced ORDER BY account_id, entry_id"),
            *self.sql("SELECT * FROM ledger_account ORDER BY id"),
            *self.sql("SELECT * FROM ledger_hold ORDER BY id"),
            *self.sql("SELECT * FROM ledger_hold_event ORDER BY id"),
            *self.sql("SELECT * FROM ledger_reversed ORDER BY posting_id"),
            *self.sql("SELECT * FROM ledger_posting_transition ORDER BY id"),
            *self.sql("SELECT count(*) FROM evidence_event"),
        ]


def item(
    lines: Sequence[Line],
    *,
    posting_id: str | None = None,
    purpose: str = "manual",
    currency: str = "USD",
    intent_id: str | None = None,
    state: PostingState = "posted",
    hold_id: str | None = None,
    reverses_id: str | None = None,
) -> BatchItem:
    """One posting of a batch; all are recorded at the moment at which these tests began."""
    now = BEGUN
    posting = NewPosting(
        posting_id=posting_id or ids.new_id("posting"),
        purpose=purpose,
        lines=tuple(lines),
        currency=currency,
        effective_at=now,
        state=state,
        hold_id=hold_id,
        reverses_id=reverses_id,
    )
    return BatchItem(posting, PostingFacts(actors.LEDGER, now, "req_test", intent_id=intent_id))


def pair(debit: str, credit: str, amount: int, **more: Any) -> list[Line]:
    """The lines of a posting of two entries; ``more`` is asked of the debit."""
    return [Line(debit, "debit", amount, **more), Line(credit, "credit", amount)]


def step(now: datetime | None = None) -> dict[str, Any]:
    """Who, when and for which request, which a test does not care about."""
    return {"actor": actors.LEDGER, "now": now or clock.now(), "correlation_id": "req_test"}


def terms(
    *,
    purpose: str = "manual",
    currency: str = "USD",
    intent_id: str | None = None,
    posting_id: str | None = None,
    at: datetime | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The facts of a posting that a test does not care about."""
    return {
        "purpose": purpose,
        "currency": currency,
        "intent_id": intent_id,
        "posting_id": posting_id or ids.new_id("posting"),
        "recorded_at": at or clock.now(),
        "actor": actors.LEDGER,
        "correlation_id": "req_test",
        **more,
    }


def at_once(calls: Sequence[Callable[[], T]], *, threads: int) -> list[T | Exception]:
    """Run the calls from so many threads, each with a database connection of its own; results and errors in order."""

    def run(call: Callable[[], T]) -> T | Exception:
        try:
            return call()
        except Exception as error:  # noqa: BLE001  # the test looks at each
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, calls))
