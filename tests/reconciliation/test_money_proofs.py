"""The daily proof of customers' money: each business day once it is over, again when something came late for it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection

from evidence.models import Event
from ledger.errors import ClosedPeriod
from tests.reconciliation.closing import LAST, Closing
from zentra.core import clock, ids
from zentra.core.queue import WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout import operations, queries, tasks
from zentra.reconciliation.closeout.models import MoneyDay, MoneyProof, Period
from zentra.reconciliation.closeout.money_types import MoneyProofRecord
from zentra.reconciliation.statements.models import Statement
from zentra.reconciliation.statements.types import PERIODS_WORK

SOON_AFTER = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) + timedelta(days=1, minutes=5)
"""When the month before this one is over."""


@pytest.fixture
def closing(workspace: TenantRef) -> Closing:
    return Closing(workspace)


def prove(closing: Closing, now: datetime | None = None) -> list[MoneyProofRecord]:
    """What the worker does: whatever is due at a moment."""
    made: list[MoneyProofRecord] = []
    at = now or SOON_AFTER
    for day in closing.do(operations.open_money_days, now=at):
        made += closing.do(operations.prove_money_day, day=day, now=at)
    return made


def proofs(closing: Closing, **asked: object) -> list[MoneyProofRecord]:
    return closing.do(queries.list_money_proofs, **asked)  # type: ignore[arg-type]


def proof_of(closing: Closing, day: date) -> MoneyProofRecord:
    (found,) = proofs(closing, first=day, last=day)
    return found


def told(closing: Closing, kind: str) -> list[dict[str, object]]:
    with tenant_work(closing.ws):
        rows = Event.objects.filter(type=kind).order_by("recorded_at", "id")
        return [json.loads(bytes(row.body))["data"] for row in rows]


def month(closing: Closing, first: date, *, zone: str = "UTC", hour: int = 24, starts_at: datetime) -> None:
    """A month as the calendar makes it, in a zone and with a cut-off of its own."""
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    ends = datetime(last.year, last.month, last.day, hour % 24, tzinfo=ZoneInfo(zone))
    with tenant_work(closing.ws):
        Period.objects.create(
            id=ids.new_id("prd"), starts_on=first, ends_on=last, starts_at=starts_at,
            ends_at=ends.astimezone(UTC) + timedelta(days=hour == 24), time_zone=zone, cut_off_hour=hour,
            created_at=clock.now(),
        )  # fmt: skip


def begin(closing: Closing) -> None:
    """The month before this one, which nothing was imported for."""
    first = LAST.replace(day=1)
    month(closing, first, starts_at=datetime(first.year, first.month, 1, tzinfo=UTC))


# -- What a proof says -------------------------------------------------------------------------------------------------


def test_every_day_of_the_month_before_is_proven_from_the_first_one_with_money(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(10))
    closing.book.move("customer_balance", "reserved_balance", 2_000, effective_at=closing.noon(5))
    closing.book.move("rail_receivable", "merchant_balance", 700, effective_at=closing.noon(3))

    prove(closing)

    found = {each.business_day: each for each in proofs(closing, last=LAST)}
    assert sorted(found) == [closing.day(each) for each in range(10, -1, -1)]
    assert {each.revision for each in found.values()} == {1}
    first, last = found[closing.day(10)], found[LAST]
    assert (first.owed_minor, first.held_minor, first.in_transit_minor, first.difference_minor) == (5_000, 5_000, 0, 0)
    assert (last.owed_minor, last.held_minor, last.in_transit_minor) == (5_700, 5_700, 700)
    assert last.cut_off_at == closing.period.ends_at
    parts = {(each.side, each.account_code): each.amount_minor for each in last.parts}
    assert parts == {
        ("owed", "customer_balance"): 3_000, ("owed", "reserved_balance"): 2_000, ("owed", "merchant_balance"): 700,
        ("held", "bank"): 5_000, ("held", "rail_receivable"): 700,
    }  # fmt: skip
    (computed,) = closing.do(queries.customer_money, at=closing.period.ends_at)
    assert (computed.owed_minor, computed.held_minor) == (last.owed_minor, last.held_minor)
    assert len(told(closing, "customer_money.proven")) == len(proofs(closing, revisions=True))
    assert told(closing, "customer_money.short") == []


def test_looking_again_changes_nothing(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(4))

    assert prove(closing)
    assert prove(closing) == []
    with tenant_work(closing.ws):
        MoneyDay.objects.update(is_due=True)
    assert prove(closing) == []


def test_money_that_is_missing_is_told(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(4))
    closing.book.move("fees", "bank", 300, effective_at=closing.noon(2))

    prove(closing)

    assert proof_of(closing, closing.day(3)).difference_minor == 0
    short = proof_of(closing, closing.day(2))
    assert (short.difference_minor, short.is_short) == (-300, True)
    told_of = told(closing, "customer_money.short")
    assert told_of[0]["business_day"] == closing.day(2).isoformat()
    assert {each["difference_minor"] for each in told_of} == {-300}


def test_currencies_are_never_added_up(closing: Closing) -> None:
    begin(closing)
    closing.book.open("bank_eur", account_type="bank", currency="EUR")
    closing.book.open("anna", currency="EUR")
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(4))
    closing.book.move("bank_eur", "anna", 90, effective_at=closing.noon(2), currency="EUR")

    prove(closing)

    assert {each.currency: each.owed_minor for each in proofs(closing, first=LAST, last=LAST)} == {
        "USD": 5_000,
        "EUR": 90,
    }
    assert [each.business_day for each in proofs(closing, currency="EUR", last=LAST)] == [
        closing.day(2), closing.day(1), LAST,
    ][::-1]  # fmt: skip


def test_the_list_is_paged_by_the_last_one_seen(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(6))
    prove(closing)

    seen: list[str] = []
    before = None
    while page := proofs(closing, limit=3, before=before, last=LAST):
        seen += [each.id for each in page]
        before = (page[-1].cut_off_at, page[-1].id)
    assert seen == [each.id for each in proofs(closing, last=LAST)]
    assert len(set(seen)) == 7


# -- When a day is over ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hour", "first", "day", "cut_off"),
    [
        ("Europe/Berlin", 24, date(2026, 3, 1), date(2026, 3, 28), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("Europe/Berlin", 24, date(2026, 3, 1), date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("Europe/Berlin", 2, date(2026, 3, 1), date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", 24, date(2026, 10, 1), date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("Europe/Berlin", 2, date(2026, 10, 1), date(2026, 10, 25), datetime(2026, 10, 25, 0, tzinfo=UTC)),
        ("America/New_York", 17, date(2026, 3, 1), date(2026, 3, 8), datetime(2026, 3, 8, 21, tzinfo=UTC)),
        ("Asia/Kolkata", 24, date(2026, 3, 1), date(2026, 3, 8), datetime(2026, 3, 8, 18, 30, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_the_cut_off_of_its_zone_also_when_clocks_change(
    closing: Closing, zone: str, hour: int, first: date, day: date, cut_off: datetime
) -> None:
    begin = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    month(closing, first, zone=zone, hour=hour, starts_at=begin - timedelta(hours=24 - hour))
    just_before = cut_off - timedelta(seconds=1)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=just_before)
    closing.book.move("bank", "customer_balance", 40, effective_at=cut_off)

    prove(closing, cut_off + timedelta(minutes=1))
    assert proofs(closing, first=day, last=day) == []
    prove(closing, cut_off + timedelta(minutes=2))

    found = proof_of(closing, day)
    assert (found.cut_off_at, found.owed_minor) == (cut_off, 5_000)
    prove(closing, cut_off + timedelta(hours=27))
    assert proof_of(closing, day + timedelta(days=1)).owed_minor == 5_040


def test_missed_days_are_made_up_for_from_the_month_of_31_days_ago(closing: Closing) -> None:
    for number in (1, 2, 3):
        month(closing, date(2026, number, 1), starts_at=datetime(2026, number, 1, tzinfo=UTC))
    closing.book.move("bank", "customer_balance", 5_000, effective_at=datetime(2026, 1, 5, tzinfo=UTC))

    prove(closing, datetime(2026, 3, 20, 12, tzinfo=UTC))

    found = sorted(each.business_day for each in proofs(closing))
    assert (found[0], found[-1], len(found)) == (date(2026, 2, 1), date(2026, 3, 19), 28 + 19)


# -- What comes late ---------------------------------------------------------------------------------------------------


def test_a_late_posting_makes_a_revision_of_each_day_from_its_own(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(5))
    prove(closing)
    closing.book.move("bank", "customer_balance", 11, effective_at=closing.noon(2))

    prove(closing)

    newest = {each.business_day: (each.revision, each.owed_minor) for each in proofs(closing, last=LAST)}
    assert newest == {
        closing.day(5): (1, 5_000), closing.day(4): (1, 5_000), closing.day(3): (1, 5_000),
        closing.day(2): (2, 5_011), closing.day(1): (2, 5_011), LAST: (2, 5_011),
    }  # fmt: skip
    kept = proofs(closing, first=LAST, last=LAST, revisions=True)
    assert sorted((each.revision, each.owed_minor) for each in kept) == [(1, 5_000), (2, 5_011)]
    assert [each["revision"] for each in told(closing, "customer_money.proven")].count(2) >= 3


def test_a_posting_between_two_accounts_of_customers_is_seen_too(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(1))
    prove(closing)
    closing.book.move("customer_balance", "merchant_balance", 11, effective_at=closing.noon(1))

    prove(closing)

    assert (proof_of(closing, LAST).revision, proof_of(closing, LAST).owed_minor) == (2, 5_000)


def test_a_locked_day_stays_as_it_was(closing: Closing) -> None:
    closing.close()
    later = clock.now() + timedelta(minutes=10)
    prove(closing, later)
    before = proofs(closing, last=LAST, revisions=True)
    assert before

    with pytest.raises(ClosedPeriod):
        closing.book.move("bank", "customer_balance", 11, effective_at=closing.noon(2))
    closing.bank.state({"amount": 7, "reference": "X", "on": closing.day(2)}, opening_minor=1_000, closing_minor=1_007,
                       ends_on=LAST)  # fmt: skip
    with tenant_work(closing.ws):
        stated = str(Statement.objects.order_by("-created_at", "-id").values_list("id", flat=True)[0])
    closing.do(operations.mark_stated_days, statement_id=stated)

    assert closing.do(queries.due_money_days, limit=31) == []
    prove(closing, later + timedelta(minutes=10))
    assert proofs(closing, last=LAST, revisions=True) == before


def test_what_was_posted_just_before_the_lock_is_in_it(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.run()
    assert closing.period.id
    assert prove(closing)
    closing.money(500, "R2")
    closing.run()
    closing.state((1_000, "R1"), (500, "R2"))
    closing.run()
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()

    prove(closing)

    (computed,) = closing.do(queries.customer_money, at=closing.period.ends_at)
    assert (proof_of(closing, LAST).held_minor, computed.held_minor) == (1_500, 1_500)


# -- What the banks say ------------------------------------------------------------------------------------------------


def test_the_banks_word_stands_beside_the_ledgers(closing: Closing) -> None:
    closing.money(1_000, "R1")
    closing.run()
    assert closing.period.id
    prove(closing)
    assert (proof_of(closing, LAST).bank_minor, proof_of(closing, LAST).bank_ledger_minor) == (None, None)

    closing.state((990, "R1"))
    with tenant_work(closing.ws):
        (statement,) = map(str, Statement.objects.filter(is_complete=True).values_list("id", flat=True))
    tasks.make_periods_of(work(statement), closing.ws)
    prove(closing)

    found = proof_of(closing, LAST)
    assert (found.revision, found.bank_minor, found.bank_ledger_minor, found.bank_difference_minor) == (
        2,
        990,
        1_000,
        -10,
    )
    (bank,) = found.banks
    assert (bank.account_code, bank.statement_id) == ("bank", statement)
    assert (found.held_minor, found.difference_minor) == (1_000, 1_000)  # its own word changes nothing of the proof


def work(ref: str) -> WorkItem:
    """The work that a complete statement leaves."""
    return WorkItem(ids.new_uuid(), ids.new_uuid(), PERIODS_WORK, ref, clock.now(), 1, ids.new_uuid())


# -- Races, and what the database holds --------------------------------------------------------------------------------


def test_two_workers_prove_a_day_once(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(8))
    start = threading.Barrier(3)
    failures: list[Exception] = []

    def race() -> None:
        try:
            start.wait()
            tasks.prove_customer_money(closing.ws)
        except Exception as error:  # noqa: BLE001  # told to the test
            failures.append(error)
        finally:
            connection.close()

    racers = [threading.Thread(target=race) for _ in range(3)]
    for each in racers:
        each.start()
    for each in racers:
        each.join()

    assert failures == []
    prove(closing)
    kept = proofs(closing, last=LAST, revisions=True)
    assert len(kept) == len({each.business_day for each in kept}) == 9
    assert len(told(closing, "customer_money.proven")) == len(proofs(closing, revisions=True))


class Killed(Exception):
    """The process ends here."""


def killed_while_proving(closing: Closing, day: date) -> None:
    with tenant_work(closing.ws):
        operations.prove_money_day(day=day, now=clock.now())
        raise Killed


def test_killed_between_two_days_the_next_look_goes_on(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(3))
    due = closing.do(operations.open_money_days, now=clock.now())
    for day in [each for each in due if each < closing.day(2)]:
        closing.do(operations.prove_money_day, day=day, now=clock.now())

    with pytest.raises(Killed):
        killed_while_proving(closing, closing.day(2))

    assert [each.business_day for each in proofs(closing, last=LAST)] == [closing.day(3)]
    prove(closing)
    assert {each.revision for each in proofs(closing, last=LAST, revisions=True)} == {1}
    assert len(proofs(closing, last=LAST)) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recon_money_proof SET owed_minor = 0, difference_minor = held_minor",
        "DELETE FROM recon_money_proof",
        "TRUNCATE recon_money_proof",
        "DELETE FROM recon_money_day",
        "UPDATE recon_money_day SET cut_off_at = cut_off_at - interval '1 hour'",
    ],
)
def test_a_proof_is_never_changed(closing: Closing, statement: str) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(1))
    prove(closing)

    with pytest.raises(DatabaseError), tenant_work(closing.ws), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_revision_is_there_once_and_adds_up(closing: Closing) -> None:
    begin(closing)
    closing.book.move("bank", "customer_balance", 5_000, effective_at=closing.noon(1))
    prove(closing)

    changes: list[tuple[dict[str, int], str]] = [
        ({}, "recon_money_proof_revision_once"),
        ({"revision": 2, "difference_minor": 1}, "recon_money_proof_adds_up"),
    ]
    for change, constraint in changes:
        with pytest.raises(DatabaseError, match=constraint):
            add_proof(closing, **change)


def add_proof(closing: Closing, **change: int) -> None:
    """Another row like the one of the last day."""
    with tenant_work(closing.ws):
        row = MoneyProof.objects.filter(business_day=LAST).get()
        row.id = ids.new_id("mpr")
        for name, value in change.items():
            setattr(row, name, value)
        row.save(force_insert=True)
