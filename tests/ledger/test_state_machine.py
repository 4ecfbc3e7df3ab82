"""Any interleaving of posting, repeating, reversing, freezing and sequencing, against a model in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import errors, operations
from ledger.types import Line, Posted
from tests.ledger.book import Book
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work

FLOORS = {"a": 0, "b": -100, "c": None, "d": None}
CODES = st.sampled_from(sorted(FLOORS))
AMOUNTS = st.integers(1, 200)


@dataclass
class Model:
    """What a ledger is, without a database."""

    nets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FLOORS, 0))
    frozen: set[str] = field(default_factory=set)
    steps: dict[str, list[Line]] = field(default_factory=dict)
    entries: int = 0

    def refusal(self, lines: list[Line]) -> type[DomainError] | None:
        """What a posting is refused with; a frozen account is told before a missing balance."""
        if any(line.account in self.frozen for line in lines):
            return errors.AccountFrozen
        for code, change in self.changes(lines).items():
            floor = FLOORS[code]
            if change < 0 and floor is not None and self.nets[code] + change < floor:
                return errors.InsufficientFunds
        return None

    def apply(self, lines: list[Line]) -> None:
        """Count a posting."""
        for code, change in self.changes(lines).items():
            self.nets[code] += change
        self.entries += len(lines)

    @staticmethod
    def changes(lines: list[Line]) -> dict[str, int]:
        """Credits − debits per account."""
        found: dict[str, int] = {}
        for line in lines:
            signed = line.amount_minor if line.direction == "credit" else -line.amount_minor
            found[str(line.account)] = found.get(str(line.account), 0) + signed
        return found


class LedgerMachine(RuleBasedStateMachine):
    """Each rule does one thing to both."""

    make_workspace: Callable[[], TenantRef]

    @initialize()
    def begin(self) -> None:
        self.book, self.model = Book(type(self).make_workspace()), Model()
        self.ids = {code: self.book.open(code, floor=floor) for code, floor in FLOORS.items()}
        self.reversible: list[tuple[Posted, list[Line]]] = []

    def attempt(self, lines: list[Line], **more: Any) -> Posted | None:
        return self.tell(lines, lambda: self.book.post(lines, **more))

    def tell(self, lines: list[Line], post: Callable[[], Posted]) -> Posted | None:
        """Post where the model allows it; else be refused for the model's reason."""
        expected = self.model.refusal(lines)
        if expected is not None:
            with pytest.raises(expected):
                post()
            return None
        self.model.apply(lines)
        return post()

    @rule(debit=CODES, credit=CODES, amount=AMOUNTS)
    def move(self, debit: str, credit: str, amount: int) -> None:
        lines = [Line(debit, "debit", amount), Line(credit, "credit", amount)]
        posted = self.attempt(lines)
        if posted is not None:
            self.reversible.append((posted, lines))

    @rule(debits=st.lists(st.tuples(CODES, AMOUNTS), min_size=1, max_size=4), credit=CODES)
    def collect(self, debits: list[tuple[str, int]], credit: str) -> None:
        total = sum(amount for _, amount in debits)
        self.attempt([*(Line(code, "debit", amount) for code, amount in debits), Line(credit, "credit", total)])

    @rule(step=st.sampled_from(["i1", "i2", "i3"]), debit=CODES, credit=CODES, amount=AMOUNTS)
    def step(self, step: str, debit: str, credit: str, amount: int) -> None:
        lines = [Line(debit, "debit", amount), Line(credit, "credit", amount)]
        first = self.model.steps.get(step)
        if first is None:
            if self.attempt(lines, intent_id=step, purpose="reserve") is not None:
                self.model.steps[step] = lines
            return
        assert self.book.post(first, intent_id=step, purpose="reserve").replayed
        if first != lines:
            with pytest.raises(errors.PostingConflict):
                self.book.post(lines, intent_id=step, purpose="reserve")

    @precondition(lambda self: self.reversible)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        posted, lines = self.reversible.pop(data.draw(st.integers(0, len(self.reversible) - 1)))
        turned = [
            Line(line.account, "credit" if line.direction == "debit" else "debit", line.amount_minor) for line in lines
        ]
        self.tell(turned, lambda: self.book.reverse(posted))

    @rule(code=CODES)
    def freeze(self, code: str) -> None:
        with tenant_work(self.book.workspace):
            operations.freeze_account(account_id=self.ids[code], reason="test", actor=actors.LEDGER, now=clock.now())
        self.model.frozen.add(code)

    @rule(code=CODES)
    def unfreeze(self, code: str) -> None:
        with tenant_work(self.book.workspace):
            operations.unfreeze_account(account_id=self.ids[code], reason="test", actor=actors.LEDGER, now=clock.now())
        self.model.frozen.discard(code)

    @rule(limit=st.integers(1, 7))
    def sequence(self, limit: int) -> None:
        self.book.sequence(limit=limit)

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "book"):
            return
        assert {code: self.book.net(code) for code in FLOORS} == self.model.nets
        assert self.book.drift() == {"USD": 0}
        assert self.book.diverging() == 0
        own = "account_id IN (SELECT id FROM ledger_account WHERE code IN ('a', 'b', 'c', 'd'))"
        assert self.book.sql(f"SELECT count(*) FROM ledger_entry WHERE {own}") == [(self.model.entries,)]
        assert self.book.sql(
            "SELECT count(*) FROM (SELECT account_id, count(*) AS n, max(version) AS last FROM ledger_entry_position"
            " GROUP BY account_id) p JOIN ledger_balance b USING (account_id)"
            " WHERE p.n <> p.last OR b.version <> p.last"
        ) == [(0,)]


def test_any_interleaving_matches_the_model(make_workspace: Callable[[], TenantRef]) -> None:
    machine = type("Machine", (LedgerMachine,), {"make_workspace": staticmethod(make_workspace)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
