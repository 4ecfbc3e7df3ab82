"""What the demo's books hold beside the traffic: a chart, customers with limits, holds, a rate, a reversal, a freeze.

Made once per workspace, through the same operations as everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from evidence.operations import record_events
from ledger.errors import UnknownAccount
from ledger.operations import (
    add_monitor,
    apply_chart,
    assign_default_categories,
    capture_hold,
    freeze_account,
    increase_hold,
    open_account,
    place_hold,
    post_entries,
    posting_event,
    release_hold,
    reverse_posting,
    review_hold,
)
from ledger.queries import find_account, find_category
from ledger.types import AccountRecord, Fx, Line, Posted
from zentra.core import ids
from zentra.core.actors import Actor

MARK: Final = "customer_hotel"
CATEGORY: Final = "liabilities.customers"
FX: Final = Fx(base="EUR", quote="USD", rate="1.0840", source="demo desk")


@dataclass(frozen=True, slots=True)
class Books:
    """One pass over the books: by whom, when."""

    actor: Actor
    now: datetime

    def post(
        self,
        lines: Sequence[Line],
        currency: str,
        description: str,
        *,
        fx: Fx | None = None,
        reference: str | None = None,
    ) -> Posted:
        """A posting of a person's, told to the log; ``reference`` is what the bank knows it by."""
        posted = post_entries(
            lines=lines,
            currency=currency,
            posting_id=ids.new_id("posting"),
            purpose="manual",
            actor=self.actor,
            correlation_id="demo-books",
            recorded_at=self.now,
            description=description,
            fx=fx,
            external_reference=reference,
        )
        self.tell(posted)
        return posted

    def tell(self, posted: Posted, *names: str) -> None:
        """Record the event of a posting."""
        event = posting_event(posted, actor=self.actor, intent_id=None, trace_id=None, announced_as_extra=names)
        record_events(events=[event], now=self.now)

    def open(self, code: str, name: str, currency: str, *, ceiling_minor: int | None = None) -> AccountRecord:
        """An account of a customer, funded from the bank."""
        account = open_account(
            account_type="customer",
            currency=currency,
            actor=self.actor,
            now=self.now,
            code=code,
            name=name,
            customer=code,
            category_id=find_category(ref=CATEGORY).id,
            ceiling_minor=ceiling_minor,
        )
        deposit = [Line("bank", "debit", 900_000), Line(code, "credit", 900_000)]
        self.post(deposit, currency, f"{name}: opening deposit", reference=f"DEP-{code}")
        return account

    def hold(self, amount_minor: int, reference: str, source: str, when: str, days: float | None) -> str:
        """A hold on the hotel's account; its id."""
        placed = place_hold(
            account=MARK,
            amount_minor=amount_minor,
            reference=reference,
            source=source,
            release_condition=when,
            expires_at=None if days is None else self.now + timedelta(days=days),
            currency="USD",
            actor=self.actor,
            now=self.now,
            correlation_id="demo-books",
        )
        return placed.hold.id


def seed_books(*, currencies: Sequence[str], actor: Actor, now: datetime) -> None:
    """Fill the books, unless they were before."""
    for currency in currencies:
        assign_default_categories(currency=currency, now=now)
    try:
        find_account(ref=MARK, currency="USD")
    except UnknownAccount:
        _fill(Books(actor, now))


def _fill(books: Books) -> None:
    apply_chart(template="treasury", currency="USD", actor=books.actor, now=books.now)
    apply_chart(template="treasury", currency="EUR", actor=books.actor, now=books.now)
    books.open(MARK, "Hotel on the quay", "USD", ceiling_minor=5_000_000)
    books.open("customer_bakery", "Bakery", "EUR")
    suspect = books.open("customer_under_review", "Import agency", "USD")
    _holds(books)
    _undo_a_part(books)
    _exchange(books)
    freeze_account(account_id=suspect.id, reason="Disputed invoices, case 118", actor=books.actor, now=books.now)
    hotel = find_account(ref=MARK, currency="USD")
    for name, comparison, threshold in (("low balance", "below", 250_000), ("unusually high", "above", 4_000_000)):
        add_monitor(
            account_id=hotel.id,
            metric="available",
            comparison=comparison,
            threshold_minor=threshold,
            name=name,
            actor=books.actor,
            now=books.now,
        )


def _holds(books: Books) -> None:
    """One of each fate: open with several expiries, taken in part, taken whole, given back, looked at."""
    actor, now = books.actor, books.now
    books.hold(48_000, "booking-7781", "authorization", "check-out", 7)
    books.hold(12_500, "booking-7790", "authorization", "check-out", 1)
    books.hold(6_400, "minibar-7781", "authorization", "check-out", 0.08)
    disputed = books.hold(30_000, "dispute-2207", "dispute", "the scheme decides", None)
    review_hold(hold_id=disputed, note="Papers sent to the scheme, answer in ten days.", actor=actor, now=now)
    partly = books.hold(90_000, "conference-0412", "authorization", "event is billed", 14)
    increase_hold(
        hold_id=partly, amount_minor=15_000, reason="two more rooms", actor=actor, now=now, correlation_id="demo-books"
    )
    capture_hold(
        hold_id=partly, amount_minor=40_000, description="first invoice", actor=actor, now=now,
        correlation_id="demo-books",
    )  # fmt: skip
    whole = books.hold(22_000, "booking-7702", "authorization", "check-out", 3)
    capture_hold(hold_id=whole, description="checked out", actor=actor, now=now, correlation_id="demo-books")
    canceled = books.hold(17_500, "booking-7714", "authorization", "check-out", 3)
    release_hold(hold_id=canceled, reason="booking canceled", actor=actor, now=now, correlation_id="demo-books")


def _undo_a_part(books: Books) -> None:
    lines = [Line(MARK, "debit", 9_000), Line("merchant_balance", "credit", 9_000)]
    posted = books.post(lines, "USD", "Service fee of November")
    reversal = reverse_posting(
        posting_id=posted.posting_id,
        reversal_id=ids.new_id("posting"),
        actor=books.actor,
        correlation_id="demo-books",
        recorded_at=books.now,
        reason="A third was waived",
        amount_minor=3_000,
    )
    books.tell(reversal, "ledger.reversed")


def _exchange(books: Books) -> None:
    """Sell 1,084.00 USD for 1,000.00 EUR: each currency balances by itself, through its position."""
    lines = [
        Line(MARK, "debit", 108_400),
        Line("treasury.position", "credit", 108_400),
        Line("treasury.position", "debit", 100_000, currency="EUR"),
        Line("customer_bakery", "credit", 100_000, currency="EUR"),
    ]
    books.post(lines, "USD", "Hotel pays the bakery in euro", fx=FX)
