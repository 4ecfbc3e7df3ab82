"""An account with a statement and entries as the tests of matching speak to it: each call is a unit of work, committed.

Lines and entries are put straight into their tables: what imports and the ledger do is tested elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, ParamSpec, TypeVar

from django.db import connection

from ledger.queries import find_account
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching import operations, queries
from zentra.reconciliation.matching.models import Entry, MatchException, OpenEntry, OpenLine
from zentra.reconciliation.matching.types import MatchRecord, Rule, RunRecord
from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.models import Line, ReconciledAccount, Statement

P = ParamSpec("P")
T = TypeVar("T")
MONDAY = date(2026, 4, 6)


@dataclass
class MatchBook:
    """One reconciled account of a workspace."""

    ws: TenantRef
    kind: str = "bank"
    code: str = "bank"
    currency: str = "USD"
    settle_days: int = 1
    ledger_account: str = ""
    account: str = ""
    version: int = 0
    statements: int = 0
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = ids.new_id("rca")
        with tenant_work(self.ws):
            ledger = find_account(ref=self.code, currency=None if self.currency == "USD" else self.currency)
            ReconciledAccount.objects.create(
                id=self.account, ledger_account_id=self.ledger_account or ledger.id,
                ledger_account_code=self.code, kind=self.kind, name=self.code, external_id=ids.new_id("ext"),
                currency=self.currency, settle_days=self.settle_days,
                created_by=actors.RECONCILIATION.as_dict(), created_at=clock.now(),
            )  # fmt: skip

    def do(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """One call of a door, committed."""
        with tenant_work(self.ws):
            return call(*args, **kwargs)

    def state(self, *lines: dict[str, Any], ends_on: date = MONDAY, **said: Any) -> list[str]:
        """A complete statement of these lines, which says this of itself; the ids of the lines."""
        with tenant_work(self.ws):
            return self.put_statement(lines, ends_on=ends_on, **said)

    def put_statement(self, lines: Sequence[dict[str, Any]], *, ends_on: date, **said: Any) -> list[str]:
        """The same inside the caller's unit of work."""
        self.statements += 1
        key = ids.new_id("stm")
        Statement.objects.create(
            id=key, account_id=self.account, import_id=ids.new_id("sti"), format="csv",
            external_id=f"{self.account}-{self.statements}", currency=self.currency,
            starts_on=min([ends_on, *(line.get("on", MONDAY) for line in lines)]), ends_on=ends_on, lines=len(lines),
            created_at=clock.now(), is_complete=False, **said,
        )  # fmt: skip
        made = [self._line(key, number, **line) for number, line in enumerate(lines, start=1)]
        Line.objects.bulk_create(made)
        Statement.objects.filter(id=key).update(is_complete=True)
        OpenLine.objects.bulk_create([OpenLine(line_id=line.id, account_id=self.account) for line in made])
        return [line.id for line in made]

    def _line(
        self, statement: str, number: int, *, amount: int, reference: str = "", batch: str = "", on: date = MONDAY,
        gross: int | None = None, currency: str = "", same_as: str = "", kind: str = "", **more: Any,
    ) -> Line:  # fmt: skip
        key = ids.new_id("lin")
        self.known[key] = same_as or key
        return Line(
            id=key, account_id=self.account, statement_id=statement, number=number, booked_on=on, value_on=on,
            amount_minor=amount, currency=currency or self.currency, kind=kind,
            reference=normalise_reference(reference), references={}, batch=normalise_reference(batch),
            gross_minor=gross, fee_minor=None if gross is None else gross - amount,
            fingerprint=hashlib.sha256(self.known[key].encode()).digest(), **more,
        )  # fmt: skip

    def post(self, *entries: dict[str, Any]) -> list[str]:
        """Entries of the ledger account, taken over; their ids."""
        with tenant_work(self.ws):
            return self.put_entries(entries)

    def put_entries(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        """The same inside the caller's unit of work."""
        made = [self._entry(**entry) for entry in entries]
        Entry.objects.bulk_create(made)
        OpenEntry.objects.bulk_create([OpenEntry(entry_id=row.entry_id, account_id=self.account) for row in made])
        return [row.entry_id for row in made]

    def _entry(
        self, *, amount: int, reference: str = "", batch: str = "", on: date = MONDAY, currency: str = "",
        intent_id: str | None = None, **more: Any,
    ) -> Entry:  # fmt: skip
        self.version += 1
        return Entry(
            entry_id=ids.new_id("entry"), account_id=self.account, version=10_000_000 + self.version,
            posting_id=ids.new_id("posting"), intent_id=intent_id, purpose="manual", amount_minor=amount,
            currency=currency or self.currency, effective_at=datetime.combine(on, time(12), tzinfo=UTC),
            effective_on=on, recorded_at=clock.now(), reference=normalise_reference(reference), references={},
            batch=normalise_reference(batch), **more,
        )  # fmt: skip

    def run(self, *, is_dry_run: bool = False, version: int | None = None) -> RunRecord:
        """One pass of the rules."""
        return self.do(
            operations.run_matching, account_id=self.account, is_dry_run=is_dry_run, actor=actors.RECONCILIATION,
            now=clock.now(), rules_version=version,
        )  # fmt: skip

    def no_take(self) -> None:
        """One pass of the rules over what is written here, for an account of no ledger account."""
        from zentra.reconciliation.matching.locks import lock_account
        from zentra.reconciliation.matching.operations import runs

        with tenant_work(self.ws):
            account = lock_account(account_id=self.account)
            rules = queries.get_rules(account_id=self.account)
            run = runs._begin(self.account, rules.version, False, actors.RECONCILIATION, clock.now(), "running")
            runs._match(account, rules, run, False, actors.RECONCILIATION, clock.now())

    def rules(self, *rules: Rule, after: int = 0) -> None:
        """Save the next version of the rules."""
        self.do(
            operations.save_rules, account_id=self.account, rules=rules, note="", after_version=after,
            actor=actors.RECONCILIATION, now=clock.now(),
        )  # fmt: skip

    def matches(self) -> list[MatchRecord]:
        """Standing matches with their items, oldest first."""
        found = self.do(queries.list_matches, account_id=self.account, limit=10_000)
        return [self.do(queries.get_match, match_id=each.id) for each in reversed(found) if each.state == "confirmed"]

    def pairs(self) -> set[tuple[frozenset[str], frozenset[str]]]:
        """What stands confirmed: (lines, entries) of each match."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(
                "SELECT i.match_id, i.line_id, i.entry_id FROM recon_match_item i"
                " JOIN recon_match m ON m.id = i.match_id WHERE i.stands AND m.state = 'confirmed'"
                " AND m.account_id = %s",
                [ids.to_uuid(self.account, prefix="rca")],
            )
            rows = cursor.fetchall()
        held: dict[Any, tuple[set[str], set[str]]] = {}
        for match, line, entry in rows:
            lines, entries = held.setdefault(match, (set(), set()))
            if line:
                lines.add(ids.to_public("lin", line))
            if entry:
                entries.add(ids.to_public("entry", entry))
        return {(frozenset(lines), frozenset(entries)) for lines, entries in held.values()}

    def exceptions(self, *, state: str | None = "open") -> list[MatchException]:
        """The account's exceptions, oldest first."""
        with tenant_work(self.ws):
            rows = MatchException.objects.filter(account_id=self.account)
            return list((rows.filter(state=state) if state else rows).order_by("opened_at", "id"))

    def kinds(self) -> dict[str, str]:
        """The kind of each open exception by its line, else its entry."""
        return {row.line_id or row.entry_id or row.id: row.kind for row in self.exceptions()}
