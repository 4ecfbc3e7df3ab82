"""A finished month for finance to close: what rails collected and banks booked of it, with every kind of break in it.

The ledger has the payments as they were, effective on their days; the simulators are told of the same payments, and
what they write of them (reports, statements, and what goes wrong on the way) is fetched and imported as any other file.
Made once per workspace. Whatever is killed on the way goes on where it was: keys and ids are made of what they name.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from evidence.operations import record_events
from ledger.operations import post_batch, posting_events, sequence_entries
from ledger.queries import find_account, history_after
from ledger.types import BatchItem, Line, NewPosting, Posted, PostingFacts
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.clock import now as now_here
from zentra.core.money import exponent
from zentra.core.queue.models import WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.seed import bookkeeper
from zentra.reconciliation.matching.operations import mark_missing, run_matching, save_rules, take_entries
from zentra.reconciliation.matching.payouts import expect_payouts
from zentra.reconciliation.matching.queries import default_rules, get_rules
from zentra.reconciliation.matching.types import Rule
from zentra.reconciliation.statements.collecting import RAIL_LEDGER_ACCOUNT, collect_files
from zentra.reconciliation.statements.operations import open_reconciled_account
from zentra.reconciliation.statements.queries import (
    find_reconciled_account,
    list_imports,
    list_reconciled_accounts,
    list_statements,
)
from zentra.reconciliation.statements.settlements import EXPECT_WORK, PURPOSE
from zentra.reconciliation.statements.tasks import advance_import
from zentra.reconciliation.statements.types import IMPORT_WORK, RUN_WORK
from zentra.routing.providers.sandbox_books import SandboxBooks
from zentra.routing.queries import bank_account_of, list_rails
from zentra.routing.types import RailRecord
from zentra.tenants.queries import find_workspace

BANK: Final = "bank"
RAILS: Final = "sandbox rails"
UNSEEN: Final = "unseen"
"""What a reference begins with that the bank is never told of."""

FEES: Final = (("rail_a", 140, 25), ("rail_b", 190, 20))
"""The rails' fee tables, as they were agreed: name, hundredths of a percent, minor units."""

# What the bank gets wrong, and from which day of the month on; then what the preferred rail does.
BANK_BREAKS: Final = (
    (3, "line_only"), (7, "amount_differs"), (9, "date_differs"), (13, "duplicate"), (15, "split_mismatch"),
    (20, "missing"), (22, "continuity_break"),
)  # fmt: skip
RAIL_BREAKS: Final = ((5, "entry_only"), (12, "fee_variance"), (19, "currency_differs"))
_TYPICAL_MAJOR: Final = {"USD": 180, "EUR": 160}
_DONE_HERE: Final = (IMPORT_WORK, EXPECT_WORK, RUN_WORK)
_HISTORY_AT_ONCE: Final = 250
_POSTINGS_AT_ONCE: Final = 500
_IMPORTS_AT_ONCE: Final = 50
_NAMESPACE: Final = uuid.UUID("5b0b3a0e-7c0e-4f5e-8c0d-4a1d5e5d7c11")


@dataclass(frozen=True, slots=True)
class Volume:
    """How many payments a day a workspace has, by currency, over how many rails; breaks strike the first currency."""

    slug: str
    daily: tuple[tuple[str, int], ...]
    rails: int = 2

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those that are reconciled."""
        return tuple(currency for currency, _ in self.daily)


VOLUMES: Final = (Volume("northwind", (("USD", 8), ("EUR", 4))), Volume("meridian", (("USD", 4),), rails=1))


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment or a refund of the month, as the rail took it."""

    rail: RailRecord
    key: str
    kind: str
    amount_minor: int
    currency: str
    at: datetime

    def told(self) -> dict[str, object]:
        """As the rail is told of it."""
        return {
            "key": self.key, "kind": self.kind, "amount_minor": self.amount_minor, "currency": self.currency,
            "executed_at": self.at.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Banked:
    """Money that came to the bank or left it beside the rails, signed; ``other`` is the account on the other side."""

    reference: str
    amount_minor: int
    currency: str
    other: str
    description: str
    at: datetime


def seed_months(*, sandbox_url: str, now: datetime) -> list[str]:
    """Make every demo workspace's month that is not there yet; the slugs of those that were made."""
    made = []
    for volume in VOLUMES:
        ref = find_workspace(slug=volume.slug)
        if ref is not None and seed_month(
            ref=ref, volume=volume, sandbox_url=sandbox_url, actor=bookkeeper(ref), now=now
        ):
            made.append(volume.slug)
    return made


def seed_month(*, ref: TenantRef, volume: Volume, sandbox_url: str, actor: Actor, now: datetime) -> bool:
    """Make the month before ``now``, unless it was made; whether it was made now. Enters the workspace itself.

    Needs the simulators. Raises BooksUnavailable.
    """
    with tenant_work(ref):
        if list_imports(limit=1):
            return False
        rails = [rail for rail in list_rails() if rail.provider == "sandbox"]
        open_accounts(ref=ref, currencies=volume.currencies, actor=actor, now=now)
    first = (now.astimezone(UTC).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    chance = random.Random(f"{ref.slug}/{first}")  # the same amounts each time
    payments = list(_payments(rails[: volume.rails], volume, first, chance))
    banked = list(_banked(volume, first, chance))
    with SandboxBooks(sandbox_url) as books:
        _plant(books, ref, rails, volume.currencies[0], first)
        references = _tell_history(books, rails, payments)
        with tenant_work(ref):
            _post([*_collected(ref, payments, references, now), *_moved(ref, banked, now)])
        _sequence(ref)
        _tell_bank(books, ref, volume.currencies)
    _import(ref)
    _match(ref)
    # What lies in the queue for it is done: hundreds of runs that change nothing would be all that the room shows.
    WorkItem.objects.filter(workspace_id=ref.id, kind__in=_DONE_HERE, done_at=None).update(done_at=now_here())
    return True


def open_accounts(*, ref: TenantRef, currencies: Sequence[str], actor: Actor, now: datetime) -> None:
    """Reconcile the bank account and what the rails owe, in each currency, by the rails' fee tables."""
    tables = tuple(
        Rule(key=f"fee_{rail}", kind="fee", source=rail, fee_percent_bp=bps, fee_fixed_minor=fixed)
        for rail, bps, fixed in FEES
    )
    bank_account = bank_account_of(workspace_id=ref.id)
    for currency in currencies:
        if find_reconciled_account(ledger_account_code=BANK, currency=currency) is None:
            open_reconciled_account(
                ledger_account=BANK, currency=currency, kind="bank", name=f"Operating account {currency}",
                external_id=bank_account, actor=actor, now=now,
            )  # fmt: skip
        rail = find_reconciled_account(ledger_account_code=RAIL_LEDGER_ACCOUNT, currency=currency)
        if rail is None:
            rail = open_reconciled_account(
                ledger_account=RAIL_LEDGER_ACCOUNT, currency=currency, kind="rail", name=f"Owed by rails {currency}",
                external_id=RAILS, actor=actor, now=now,
            )  # fmt: skip
        if get_rules(account_id=rail.id).version == 0:
            save_rules(
                account_id=rail.id, rules=(*default_rules(kind="rail"), *tables), note="Fee tables of both rails",
                after_version=0, actor=actor, now=now,
            )  # fmt: skip


def _payments(rails: Sequence[RailRecord], volume: Volume, first: date, chance: random.Random) -> Iterator[Taken]:
    """The month's payments in the order of their days; one a week is refunded in part."""
    number = 0
    for day in _days_of(first):
        for currency, daily in volume.daily:
            unit = 10 ** exponent(currency)
            for _ in range(daily if day.weekday() < 5 else max(1, daily // 3)):
                number += 1
                rail = rails[0] if chance.random() < 0.7 else rails[-1]
                amount = max(500, int(chance.lognormvariate(0, 0.7) * _TYPICAL_MAJOR[currency] * unit))
                at = datetime(day.year, day.month, day.day, 7, tzinfo=UTC) + timedelta(seconds=chance.randrange(50_000))
                key = f"{rail.id}.month_{first:%Y%m}_{number:04d}.1"
                yield Taken(rail, key, "payment", amount, currency, at)
                if number % 60 == 30:
                    yield Taken(rail, f"{key}.refund", "refund", amount // 4, currency, at + timedelta(minutes=30))


def _banked(volume: Volume, first: date, chance: random.Random) -> Iterator[Banked]:
    """What else the bank saw: the balance that the month began with, deposits, payouts to merchants.

    The last deposit of the first currency is in our books alone: somebody wrote it down and it never came.
    """
    for currency in volume.currencies:
        unit, mark = 10 ** exponent(currency), f"{first:%y%m}-{currency}"
        begins = datetime(first.year, first.month, first.day, 8, tzinfo=UTC)
        yield Banked(f"CARRY-{mark}", 250_000 * unit, currency, "opening_equity", "Carried forward", begins)
        for number, day in enumerate((2, 8, 14, 23), 1):
            amount = chance.randrange(5_000, 20_000) * unit
            at = begins + timedelta(days=day - 1, hours=2)
            yield Banked(f"DEP-{mark}-{number}", amount, currency, "customer_balance", "Customer deposit", at)
            out = -chance.randrange(1_000, 4_000) * unit
            at += timedelta(days=3)
            yield Banked(f"PAY-{mark}-{number}", out, currency, "payout_account", "Merchant payout", at)
    currency = volume.currencies[0]
    at = datetime(first.year, first.month, 17, 10, tzinfo=UTC)
    reference = f"{UNSEEN}-{first:%y%m}-{currency}"
    yield Banked(reference, 4_800 * 10 ** exponent(currency), currency, "customer_balance", "Deposit by cheque", at)


def _days_of(first: date) -> Iterator[date]:
    day = first
    while day.month == first.month:
        yield day
        day += timedelta(days=1)


def _plant(books: SandboxBooks, ref: TenantRef, rails: Sequence[RailRecord], currency: str, first: date) -> None:
    """Each kind of break once, in the first currency."""
    account = bank_account_of(workspace_id=ref.id)
    if books.has_breaks(account=account):
        return
    for day, kind in RAIL_BREAKS:
        since = first.replace(day=day).isoformat()
        body: dict[str, object] = {"connection_id": rails[0].id, "currency": currency, "breaks": [kind], "from": since}
        books.plant(place=rails[0].name, body=body)
    for day, kind in BANK_BREAKS:
        since = first.replace(day=day).isoformat()
        books.plant(
            place="bank", body={"account": account, "currency": currency, "breaks": [kind], "from": since}
        )  # fmt: skip


def _tell_history(books: SandboxBooks, rails: Sequence[RailRecord], payments: Sequence[Taken]) -> dict[str, str]:
    """Have each rail know of its payments; the rails' references by our keys."""
    references: dict[str, str] = {}
    for rail in rails:
        own = [taken.told() for taken in payments if taken.rail.id == rail.id]
        for part in _parts(own, _HISTORY_AT_ONCE):
            references |= books.tell_history(rail=rail.name, connection_id=rail.id, payments=part)
    return references


def _collected(
    ref: TenantRef, payments: Sequence[Taken], references: dict[str, str], now: datetime
) -> Iterator[BatchItem]:
    """What the ledger says of payments and refunds: owed by the rail, owed to the merchant."""
    for taken in payments:
        amount = taken.amount_minor
        owed = (Line(RAIL_LEDGER_ACCOUNT, "debit", amount), Line("merchant_balance", "credit", amount))
        if taken.kind == "refund":
            owed = (Line("merchant_balance", "debit", amount), Line(RAIL_LEDGER_ACCOUNT, "credit", amount))
        words = "Card payment" if taken.kind == "payment" else "Card refund"
        yield _item(ref, taken.key, taken.kind, owed, taken.currency, taken.at, words, references[taken.key], now)


def _moved(ref: TenantRef, banked: Sequence[Banked], now: datetime) -> Iterator[BatchItem]:
    """What the ledger says of deposits and payouts."""
    for each in banked:
        amount = abs(each.amount_minor)
        sides = (Line(BANK, "debit", amount), Line(each.other, "credit", amount))
        if each.amount_minor < 0:
            sides = (Line(each.other, "debit", amount), Line(BANK, "credit", amount))
        name = each.reference
        yield _item(ref, name, "bank.transfer", sides, each.currency, each.at, each.description, name, now)


Each = TypeVar("Each")


def _parts(items: Sequence[Each], size: int) -> Iterator[Sequence[Each]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _item(
    ref: TenantRef, name: str, purpose: str, lines: tuple[Line, ...], currency: str, at: datetime, words: str,
    reference: str, now: datetime,
) -> BatchItem:  # fmt: skip
    posting = NewPosting(
        posting_id=ids.to_public("posting", uuid.uuid5(_NAMESPACE, f"{ref.id}/{name}")), purpose=purpose, lines=lines,
        currency=currency, effective_at=at, description=words,
    )  # fmt: skip
    facts = PostingFacts(
        actor=actors.RECONCILIATION, recorded_at=now, correlation_id="demo-month", external_reference=reference
    )
    return BatchItem(posting, facts)


def _post(items: Sequence[BatchItem]) -> None:
    """Post what is not there, and tell the log of it."""
    for part in _parts(items, _POSTINGS_AT_ONCE):
        answers = post_batch(items=part, is_atomic=True)
        fresh = [each for each in answers if isinstance(each, Posted) and not each.replayed]
        record_events(
            events=posting_events(postings=fresh, actor=actors.RECONCILIATION), now=part[0].facts.recorded_at
        )  # fmt: skip


def _sequence(ref: TenantRef) -> None:
    """Give every entry its place: no worker runs yet while the demo is seeded."""
    placed = 1
    while placed:
        with tenant_work(ref):
            placed = sequence_entries(now=now_here())


def _tell_bank(books: SandboxBooks, ref: TenantRef, currencies: Sequence[str]) -> None:
    """Have the bank know of all money that our books have at it and that no rail pays; it is booked once."""
    account = bank_account_of(workspace_id=ref.id)
    for currency in currencies:
        with tenant_work(ref):
            ledger_account = find_account(ref=BANK, currency=currency)
            stretch = history_after(account_id=ledger_account.id, after_version=0, limit=10_000)
        for entry in stretch.entries:
            if entry.purpose == PURPOSE or (entry.external_reference or UNSEEN).startswith(UNSEEN):
                continue
            sign = 1 if entry.direction == "debit" else -1
            books.tell_movement(
                {
                    "account": account, "currency": currency, "key": str(entry.posting_id),
                    "amount_minor": sign * entry.amount_minor, "reference": entry.external_reference,
                    "description": "Transfer", "booked_at": entry.effective_at.isoformat(),
                }
            )  # fmt: skip


def _import(ref: TenantRef) -> None:
    """Fetch what the simulators wrote and import it, reports first; their work items find it done."""
    for part in _parts(collect_files(ws=ref, now=now_here()), _IMPORTS_AT_ONCE):
        with tenant_work(ref):  # one commit for many small files
            for import_id in part:
                advance_import(ws=ref, import_id=import_id, seconds=30)
    with tenant_work(ref):
        accounts = list_reconciled_accounts(kind="rail")
        for statement in [each for account in accounts for each in list_statements(account_id=account.id)]:
            expect_payouts(statement_id=statement.id, now=now_here())


def _match(ref: TenantRef) -> None:
    """Take over the ledger's entries and run the rules of every account."""
    _sequence(ref)
    with tenant_work(ref):
        accounts = list_reconciled_accounts()
    for account in accounts:
        more = True
        while more:
            with tenant_work(ref):
                more = take_entries(account_id=account.id, now=now_here()).more
    for account in accounts:  # when all of them have their entries: what is one account's may be told of in another
        with tenant_work(ref):
            run_matching(account_id=account.id, is_dry_run=False, actor=actors.RECONCILIATION, now=now_here())
    with tenant_work(ref):
        mark_missing(now=now_here())
