"""The exceptions desk as the tests speak to it: each call is a unit of work of its own, committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ParamSpec, TypeVar

from django.db import connection

from ledger.queries import find_account
from tests.people import Person, join
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk import operations, queries
from zentra.reconciliation.matching.desk.types import (
    AdjustmentLine,
    AdjustmentRecord,
    ExceptionCase,
    ExceptionFilter,
    ExceptionRecord,
)
from zentra.reconciliation.matching.models import Entry, Expected, MatchException
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Statement

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class DeskOfTests:
    """The desk of one workspace with a bank account, a first and a second person of finance."""

    ws: TenantRef
    first: Person
    second: Person
    bank: str = ""
    rail: str = ""
    numbers: dict[str, int] = field(default_factory=lambda: {"line": 0, "version": 1_000_000})

    def do(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """One call of a door, committed."""
        with tenant_work(self.ws):
            return call(*args, **kwargs)

    def open_bank(self, *, code: str = "bank", kind: str = "bank", currency: str = "USD") -> str:
        """A reconciled account over a ledger account of the chart."""
        key = ids.new_id("rca")
        with tenant_work(self.ws):
            ledger = find_account(ref=code, currency=currency)
            ReconciledAccount.objects.create(
                id=key, ledger_account_id=ledger.id, ledger_account_code=code, kind=kind, name=f"Test {code}",
                external_id=f"{code}-{currency}", currency=currency, created_by=actors.RECONCILIATION.as_dict(),
                created_at=clock.now(),
            )  # fmt: skip
        self.bank = self.bank or key
        return key

    def add_line(self, amount: int, *, reference: str = "", account: str = "", **more: Any) -> str:
        """The one line of a statement that is complete with it."""
        self.numbers["line"] += 1
        key, statement, day = ids.new_id("lin"), ids.new_id("stm"), more.pop("day", clock.now().date())
        said = {"account_id": account or self.bank, "currency": more.pop("currency", "USD")}
        with tenant_work(self.ws):
            Statement.objects.create(
                id=statement, import_id=ids.new_id("sti"), format="csv", external_id=statement, starts_on=day,
                ends_on=day, lines=1, is_complete=False, created_at=clock.now(), **said,
            )  # fmt: skip
            Line.objects.create(
                id=key, statement_id=statement, number=1, booked_on=day, value_on=day, amount_minor=amount,
                reference=reference, references={}, fingerprint=key.encode()[:32], **said, **more,
            )  # fmt: skip
            Statement.objects.filter(id=statement).update(is_complete=True)
        return key

    def add_entry(self, amount: int, *, reference: str = "", account: str = "", intent_id: str | None = None) -> str:
        """An entry of the ledger account as matching has taken it over."""
        self.numbers["version"] += 1
        key, moment = ids.new_id("entry"), clock.now()
        with tenant_work(self.ws):
            Entry.objects.create(
                entry_id=key, account_id=account or self.bank, version=self.numbers["version"],
                posting_id=ids.new_id("posting"), intent_id=intent_id, purpose="manual", amount_minor=amount,
                currency="USD", effective_at=moment, effective_on=moment.date(), recorded_at=moment,
                reference=reference, references={},
            )  # fmt: skip
        return key

    def expected(self, amount: int, *, due_on: date) -> str:
        """Money that was due."""
        key = ids.new_id("exd")
        with tenant_work(self.ws):
            Expected.objects.create(
                id=key, account_id=self.bank, source="rail_a", reference=key[-12:].upper(), amount_minor=amount,
                gross_minor=amount + 100, fee_minor=100, currency="USD", due_on=due_on, state="missing",
                made_at=clock.now(), changed_at=clock.now(),
            )  # fmt: skip
        return key

    def exception(self, kind: str = "line_only", *, amount: int = 500, days: int = 0, **more: Any) -> ExceptionRecord:
        """An exception that matching has opened."""
        key, moment = ids.new_id("exc"), clock.now()
        with tenant_work(self.ws):
            MatchException.objects.create(
                id=key, account_id=more.pop("account", self.bank), kind=kind, amount_minor=amount,
                difference_minor=more.pop("difference", amount), currency="USD",
                happened_on=moment.date() - timedelta(days=days), due_at=more.pop("due_at", moment + timedelta(2)),
                opened_at=moment, **more,
            )  # fmt: skip
            return queries.get_exception(exception_id=key, now=moment)

    def with_line(self, amount: int = -500, *, reference: str = "") -> ExceptionRecord:
        """An exception of a line that the ledger has no entry for."""
        line = self.add_line(amount, reference=reference)
        return self.exception(amount=amount, line_id=line, facts={"reference": reference})

    def with_entry(self, amount: int = 700) -> ExceptionRecord:
        """An exception of an entry that no statement shows."""
        return self.exception("entry_only", amount=amount, difference=-amount, entry_id=self.add_entry(amount))

    def differing(self, line: int, entry: int) -> ExceptionRecord:
        """An exception of a line and an entry of other amounts."""
        return self.exception(
            "amount_differs", amount=line, difference=line - entry, line_id=self.add_line(line),
            entry_id=self.add_entry(entry),
        )  # fmt: skip

    def get(self, found: ExceptionRecord) -> ExceptionRecord:
        """It as it stands."""
        return self.do(queries.get_exception, exception_id=found.id, now=clock.now())

    def case(self, found: ExceptionRecord) -> ExceptionCase:
        """All of it."""
        return self.do(queries.read_case, exception_id=found.id, now=clock.now())

    def listed(self, **where: Any) -> list[str]:
        """The ids of those that a filter finds, oldest first."""
        rows = self.do(queries.list_exceptions, where=ExceptionFilter(**where), now=clock.now())
        return [row.id for row in rows]

    def propose(
        self, found: ExceptionRecord, *lines: AdjustmentLine, by: Person | None = None, **more: Any
    ) -> AdjustmentRecord:
        """An adjustment: of the suggested lines unless others are given."""
        chosen = lines or self.do(
            queries.suggest_adjustment, exception_id=found.id, kind="adjustment", reason_code="bank_fee",
            now=clock.now(),
        )  # fmt: skip
        return self.do(
            operations.propose_adjustment,
            exception_id=found.id, lines=chosen, reason_code=more.pop("reason_code", "bank_fee"), reason="as agreed",
            effective_on=more.pop("effective_on", clock.now().date()), actor=(by or self.first).actor(),
            now=clock.now(), **more,
        )  # fmt: skip

    def write_off(self, found: ExceptionRecord, **more: Any) -> AdjustmentRecord:
        """A write-off of the whole difference."""
        return self.do(
            operations.propose_write_off,
            exception_id=found.id, reason_code="small_difference", reason="", effective_on=clock.now().date(),
            actor=self.first.actor(), now=clock.now(), **more,
        )  # fmt: skip

    def approve(self, adjustment: AdjustmentRecord, *, by: Person | None = None) -> AdjustmentRecord:
        """The second person's word."""
        return self.do(
            operations.approve_adjustment,
            adjustment_id=adjustment.id, actor=(by or self.second).actor(), now=clock.now(), note="seen",
        )  # fmt: skip

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []


def desk_of(workspace: TenantRef) -> DeskOfTests:
    """A desk with two people of finance and the bank account open."""
    made = DeskOfTests(
        workspace, join(workspace, role="finance", name="First"), join(workspace, role="finance", name="Second")
    )
    made.open_bank()
    return made
