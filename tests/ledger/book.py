"""A workspace's ledger as the tests speak to it: each call is a unit of work of its own, committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from ledger import operations, queries
from ledger.types import AccountRecord, Balances, Line, Posted
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work

T = TypeVar("T")


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

    def reverse(self, posted: Posted) -> Posted:
        """The reversal of a posting."""
        with tenant_work(self.workspace):
            return operations.reverse_posting(
                posting_id=posted.posting_id,
                reversal_id=ids.new_id("posting"),
                actor=actors.LEDGER,
                correlation_id="req_test",
                recorded_at=clock.now(),
                reason="a mistake",
            )

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
            *self.sql("SELECT count(*) FROM ledger_posting"),
            *self.sql("SELECT count(*) FROM ledger_entry"),
            *self.sql("SELECT * FROM ledger_entry_position ORDER BY account_id, version"),
            *self.sql("SELECT * FROM ledger_entry_unsequenced ORDER BY account_id, entry_id"),
        ]


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
