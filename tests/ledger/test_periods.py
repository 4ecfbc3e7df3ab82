"""Nothing posts into a locked period, also not what had begun; a locked one opens again by two people, for a time."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import errors, operations, queries
from ledger.types import PeriodState
from tests.ledger.book import Book, at_once, pair, terms
from tests.ledger.whole import assert_whole
from zentra.core import clock, ids
from zentra.core.actors import Actor
from zentra.core.tenancy import tenant_work

NOW = clock.now()
START, END = NOW - timedelta(days=40), NOW - timedelta(days=10)
INSIDE = NOW - timedelta(days=20)
ANN, BOB = (Actor("user", ids.new_id("usr"), "finance") for _ in range(2))


class Periods:
    """One period of a book's ledger and its switch."""

    def __init__(self, book: Book) -> None:
        self.book, self.id = book, ids.new_id("prd")

    def set(self, before: PeriodState, state: PeriodState, **more: Any) -> None:
        with tenant_work(self.book.workspace):
            operations.set_period_state(
                period_id=self.id, starts_at=START, ends_at=END, before=before, state=state,
                **{"actor": BOB, "now": clock.now(), **more},
            )  # fmt: skip

    def reopen(self, **more: Any) -> None:
        self.set("closed", "soft", **{"until": clock.now() + timedelta(hours=1), "requested_by": ANN, **more})

    def postings(self) -> int:
        with tenant_work(self.book.workspace):
            return queries.count_postings(start=START, end=END)


@pytest.fixture
def periods(book: Book) -> Periods:
    return Periods(book)


def test_a_soft_closed_period_takes_adjustments_only(book: Book, periods: Periods) -> None:
    book.move("bank", "suspense", 5, effective_at=INSIDE)
    periods.set("open", "soft")

    with pytest.raises(errors.PeriodSoftClosed) as caught:
        book.move("bank", "suspense", 5, effective_at=INSIDE)
    assert set(caught.value.extra) == {"effective_at", "starts_at", "ends_at", "purpose"}
    book.move("bank", "suspense", 5, effective_at=INSIDE, purpose="adjustment.bank_fee")
    book.move("bank", "suspense", 5, effective_at=END)
    assert periods.postings() == 2

    periods.set("soft", "open")
    book.move("bank", "suspense", 5, effective_at=INSIDE)
    assert periods.postings() == 3


def test_a_locked_period_takes_nothing(book: Book, periods: Periods) -> None:
    periods.set("open", "soft")
    periods.set("soft", "closed")
    before = book.contents()

    for purpose in ("manual", "adjustment.bank_fee", "reversal.adjustment"):
        with pytest.raises(errors.ClosedPeriod):
            book.move("bank", "suspense", 5, effective_at=INSIDE, purpose=purpose)
    assert book.contents() == before
    assert book.move("bank", "suspense", 5).amount_minor == 5


def test_nothing_counts_before_a_locked_period_whose_balances_it_would_move(book: Book, periods: Periods) -> None:
    before = START - timedelta(days=3)
    book.move("bank", "suspense", 5, effective_at=before)
    periods.set("open", "soft")
    book.move("bank", "suspense", 5, effective_at=before)
    periods.set("soft", "closed")
    contents = book.contents()

    for purpose in ("manual", "adjustment.bank_fee"):
        with pytest.raises(errors.ClosedPeriod):
            book.move("bank", "suspense", 5, effective_at=before, purpose=purpose)
    assert book.contents() == contents
    with tenant_work(book.workspace):
        placed = queries.placement_of(at=before, purpose="settlement.batch", now=clock.now())
    assert (placed.effective_at, placed.late_for) == (END, f"{before:%Y-%m}")
    book.move("bank", "suspense", 5, effective_at=placed.effective_at)


def test_a_re_opened_period_takes_adjustments_although_a_later_one_is_locked(book: Book, periods: Periods) -> None:
    periods.set("open", "closed")
    later = Periods(book)
    with tenant_work(book.workspace):
        operations.set_period_state(
            period_id=later.id, starts_at=END, ends_at=END + timedelta(days=5), before="open", state="closed",
            actor=BOB, now=clock.now(),
        )  # fmt: skip
    periods.reopen()

    book.move("bank", "suspense", 5, effective_at=INSIDE, purpose="adjustment.error")
    with pytest.raises(errors.PeriodSoftClosed):
        book.move("bank", "suspense", 5, effective_at=INSIDE)
    with tenant_work(book.workspace):
        placed = queries.placement_of(at=INSIDE, purpose="adjustment.error", now=clock.now())
    assert (placed.effective_at, placed.late_for) == (INSIDE, "")


def test_a_locked_period_opens_again_by_two_people_and_for_a_time(book: Book, periods: Periods) -> None:
    periods.set("open", "closed")
    fine: dict[str, Any] = {"until": clock.now() + timedelta(hours=1), "requested_by": ANN}
    for wrong in (
        {"requested_by": BOB},
        {"requested_by": None},
        {"until": None},
        {"until": clock.now() - timedelta(seconds=1)},
        {"until": clock.now() + timedelta(days=40)},
    ):
        with pytest.raises(errors.PeriodNeedsTwo):
            periods.set("closed", "soft", **{**fine, **wrong})
    with pytest.raises(errors.PeriodNeedsTwo):
        periods.set("closed", "open", **fine)

    periods.reopen()
    book.move("bank", "suspense", 5, effective_at=INSIDE, purpose="adjustment.error")
    with pytest.raises(errors.PeriodNeedsTwo):
        periods.set("soft", "open")
    with pytest.raises(errors.PeriodSoftClosed):
        book.move("bank", "suspense", 5, effective_at=INSIDE)
    periods.set("soft", "closed")
    assert periods.postings() == 1


def test_when_its_time_is_up_a_re_opened_period_takes_nothing_whoever_forgot_to_lock_it(
    book: Book, periods: Periods
) -> None:
    periods.set("open", "closed")
    now = clock.now()
    periods.reopen(until=now + timedelta(seconds=30))

    late = now + timedelta(seconds=31)
    with pytest.raises(errors.ClosedPeriod):
        book.move("bank", "suspense", 5, effective_at=INSIDE, purpose="adjustment.error", at=late)


def test_a_change_from_a_state_that_is_no_more_is_refused(periods: Periods) -> None:
    periods.set("open", "soft")

    with pytest.raises(errors.StalePeriodState) as caught:
        periods.set("open", "closed")
    assert caught.value.extra == {"state": "soft", "expected": "open"}


def test_periods_never_overlap(book: Book, periods: Periods) -> None:
    periods.set("open", "soft")

    with tenant_work(book.workspace), pytest.raises(errors.PeriodOverlaps), transaction.atomic():
        operations.set_period_state(
            period_id=ids.new_id("prd"), starts_at=INSIDE, ends_at=NOW, before="open", state="soft", actor=ANN, now=NOW
        )


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_period (id, starts_at, ends_at, state) VALUES (gen_random_uuid(), now(), now(), 'open')",
        "UPDATE ledger_period SET state = 'open'",
        "DELETE FROM ledger_period",
        "TRUNCATE ledger_period",
    ],
)
def test_the_application_cannot_go_round_the_switch(book: Book, periods: Periods, statement: str) -> None:
    periods.set("open", "closed")

    with pytest.raises(Exception, match="permission denied"):
        book.sql(statement)


def test_two_people_are_held_by_the_database_too(book: Book, periods: Periods) -> None:
    periods.set("open", "closed")

    with pytest.raises(Exception, match="second person"):
        book.sql(
            "SELECT ledger_set_period_state(%s, %s, %s, 'soft', 'closed', now() + interval '1 hour',"
            ' \'{"id": "usr_a"}\', \'{"id": "usr_a"}\', now())',
            [ids.to_uuid(periods.id, prefix="prd"), START, END],
        )


def test_a_posting_in_a_transaction_of_one_snapshot_is_refused(book: Book) -> None:
    with tenant_work(book.workspace):
        schema = connection.cursor().execute("SELECT current_schema()").fetchone()[0]
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(f'SET LOCAL search_path = "{schema}"')
        with pytest.raises(Exception, match="READ COMMITTED"), transaction.atomic():
            operations.post_entries(lines=pair("bank", "suspense", 5), **terms())


# -- Races -------------------------------------------------------------------------------------------------------------


def test_a_posting_that_began_before_the_lock_is_waited_for(book: Book, periods: Periods) -> None:
    written, go_on = threading.Event(), threading.Event()

    def begin() -> None:
        with tenant_work(book.workspace):
            operations.post_entries(lines=pair("bank", "suspense", 5), **terms(effective_at=INSIDE))
            written.set()
            go_on.wait(10)
        connection.close()

    def lock() -> None:
        periods.set("open", "closed")
        connection.close()

    writer = threading.Thread(target=begin)
    writer.start()
    assert written.wait(10)
    locker = threading.Thread(target=lock)
    locker.start()
    locker.join(0.3)
    assert locker.is_alive()
    go_on.set()
    writer.join()
    locker.join()

    assert periods.postings() == 1
    with pytest.raises(errors.ClosedPeriod):
        book.move("bank", "suspense", 5, effective_at=INSIDE)


def test_a_posting_that_takes_too_long_is_not_waited_for_forever(book: Book, periods: Periods) -> None:
    with tenant_work(book.workspace):
        operations.post_entries(lines=pair("bank", "suspense", 5), **terms(effective_at=INSIDE))
        (busy,) = at_once([lambda: periods.set("open", "closed")], threads=1)

    assert isinstance(busy, errors.LedgerBusy)
    periods.set("open", "closed")


def post_something(book: Book, dice: random.Random) -> None:
    """One posting, or a slow transaction of three, into the period."""
    purpose = dice.choice(["manual", "adjustment.error"])
    if dice.random() < 0.7:
        book.move("bank", "target", 1, purpose=purpose, effective_at=INSIDE)
        return
    with tenant_work(book.workspace):
        for _ in range(3):
            operations.post_entries(lines=pair("bank", "target", 1), **terms(purpose=purpose, effective_at=INSIDE))
            time.sleep(0.002)


@pytest.mark.parametrize("floor", [0, None], ids=["immediate", "deferred"])
def test_closing_locking_re_opening_and_posting_race_and_no_posting_slips_into_a_locked_period(
    book: Book, periods: Periods, floor: int | None
) -> None:
    """Many clients post while another turns the switch; after each lock has returned the count stands still."""
    book.open("target", floor=floor)
    over, wrong, met = threading.Event(), list[Exception](), Counter[str]()

    def write(number: int) -> None:
        dice = random.Random(number)
        while not over.is_set():
            try:
                post_something(book, dice)
                met["posted"] += 1
            except (errors.ClosedPeriod, errors.PeriodSoftClosed, errors.LedgerBusy) as error:
                met[error.code] += 1
            except Exception as error:  # noqa: BLE001  # the test looks at each
                wrong.append(error)
        connection.close()

    writers = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    try:
        periods.set("open", "soft")
        for _ in range(5):
            time.sleep(0.05)
            periods.set("soft", "closed")
            locked = periods.postings()
            time.sleep(0.1)
            assert periods.postings() == locked
            periods.reopen()
    finally:
        over.set()
        for writer in writers:
            writer.join()

    assert wrong == []
    assert met["posted"] > 0
    assert met["period_closed"] > 0
    assert met["period_soft_closed"] > 0
    assert_whole(book)


class Crowd:
    """Clients that post into a period, that turn its switch, and one that kills any of them in the middle."""

    def __init__(self, book: Book, periods: Periods) -> None:
        self.book, self.periods = book, periods
        self.over, self.wrong, self.met = threading.Event(), list[BaseException](), Counter[str]()
        self.alive = dict[int, int]()  # the backend that works for a thread
        self.looked_at = threading.Lock()  # whoever looks at a locked period keeps it locked

    def post(self, dice: random.Random) -> None:
        with tenant_work(self.book.workspace):
            self.alive[threading.get_ident()] = connection.connection.info.backend_pid
            for _ in range(dice.randint(1, 3)):
                purpose = dice.choice(["manual", "adjustment.error"])
                operations.post_entries(lines=pair("bank", "target", 1), **terms(purpose=purpose, effective_at=INSIDE))
                time.sleep(dice.choice([0, 0.005]))
        self.met["posted"] += 1

    def turn(self, dice: random.Random) -> None:
        with tenant_work(self.book.workspace):
            known = queries.list_period_locks(period_ids=[self.periods.id])
        state: PeriodState = known[self.periods.id].state if known else "open"
        if state == "closed":
            with self.looked_at:
                self.set(dice, "closed", "soft", until=clock.now() + timedelta(hours=1), requested_by=ANN)
        else:
            self.set(dice, state, "soft" if state == "open" else "closed")
            self.look()

    def set(self, dice: random.Random, before: PeriodState, state: PeriodState, **more: Any) -> None:
        with tenant_work(self.book.workspace):
            self.alive[threading.get_ident()] = connection.connection.info.backend_pid
            operations.set_period_state(
                period_id=self.periods.id, starts_at=START, ends_at=END, before=before, state=state, actor=BOB,
                now=clock.now(), **more,
            )  # fmt: skip
            time.sleep(dice.choice([0, 0.01]))
        self.met[state] += 1

    def look(self) -> None:
        with self.looked_at, tenant_work(self.book.workspace):
            known = queries.list_period_locks(period_ids=[self.periods.id])
            if known and known[self.periods.id].state == "closed":
                count = queries.count_postings(start=START, end=END)
                time.sleep(0.03)
                assert queries.count_postings(start=START, end=END) == count
                self.met["stood still"] += 1

    def kill(self, dice: random.Random) -> None:
        time.sleep(0.02)
        pids = list(self.alive.values())
        if pids:
            with tenant_work(self.book.workspace), connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [dice.choice(pids)])

    def again(self, act: Callable[[random.Random], None], number: int) -> None:
        dice = random.Random(number)
        while not self.over.is_set():
            try:
                act(dice)
            except (errors.ClosedPeriod, errors.PeriodSoftClosed, errors.LedgerBusy, errors.StalePeriodState) as error:
                self.met[error.code] += 1
            except DatabaseError:
                self.met["killed"] += 1
            except BaseException as error:  # noqa: BLE001  # the test looks at each
                self.wrong.append(error)
            finally:
                self.alive.pop(threading.get_ident(), None)
                if connection.connection is not None and connection.connection.closed:
                    connection.close()
        connection.close()


def test_many_turn_the_switch_and_die_in_the_middle_and_no_posting_slips_into_a_locked_period(
    book: Book, periods: Periods
) -> None:
    book.open("target")
    crowd = Crowd(book, periods)
    acts = [crowd.post] * 5 + [crowd.turn] * 3 + [crowd.kill]
    clients = [threading.Thread(target=crowd.again, args=[act, number]) for number, act in enumerate(acts)]
    for client in clients:
        client.start()
    until = time.monotonic() + 300  # as long as a busy machine needs
    wanted = {"posted": 5, "killed": 5, "period_closed": 5, "period_soft_closed": 5, "stood still": 5}
    while time.monotonic() < until and any(crowd.met[word] < count for word, count in wanted.items()):
        time.sleep(0.05)
    crowd.over.set()
    for client in clients:
        client.join()

    assert crowd.wrong == []
    assert {word: count for word, count in wanted.items() if crowd.met[word] < count} == {}
    assert_whole(book)


def test_of_two_who_turn_the_switch_at_once_one_is_told_that_it_was_turned(book: Book, periods: Periods) -> None:
    done = at_once([lambda: periods.set("open", "soft") for _ in range(6)], threads=6)

    assert Counter(type(each).__name__ for each in done) == {"NoneType": 1, "StalePeriodState": 5}


# -- What is read of a span --------------------------------------------------------------------------------------------


def test_turnovers_roll_forward(book: Book) -> None:
    book.move("bank", "suspense", 7, effective_at=START - timedelta(days=1))
    book.move("bank", "suspense", 100, effective_at=START)
    book.move("suspense", "bank", 30, effective_at=INSIDE)
    book.move("bank", "suspense", 9, effective_at=END)
    with tenant_work(book.workspace):
        rows = {row.account_code: row for row in queries.turnovers(start=START, end=END)}

    suspense, bank = rows["suspense"], rows["bank"]
    assert (suspense.opening_minor, suspense.debits_minor, suspense.credits_minor, suspense.closing_minor) == (
        7, 30, 100, 77,
    )  # fmt: skip
    assert (bank.opening_minor, bank.debits_minor, bank.credits_minor, bank.closing_minor) == (-7, 100, 30, -77)
    assert sum(row.closing_minor for row in rows.values()) == 0


def test_what_comes_late_is_placed_in_the_first_period_that_takes_it(book: Book, periods: Periods) -> None:
    periods.set("open", "soft")
    now = clock.now()
    with tenant_work(book.workspace):
        late = queries.placement_of(at=INSIDE, purpose="settlement.batch", now=now)
        adjusted = queries.placement_of(at=INSIDE, purpose="adjustment.error", now=now)
    month = f"{START + (END - START) / 2:%Y-%m}"

    assert (late.effective_at, late.late_for) == (END, month)
    assert (adjusted.effective_at, adjusted.late_for) == (INSIDE, "")
    book.move("bank", "suspense", 5, effective_at=late.effective_at, metadata={"late_for": late.late_for})
    with tenant_work(book.workspace):
        (found,) = queries.late_postings(late_for=month)
    assert (found.amount_minor, found.currency, found.effective_at) == (5, "USD", END)


def test_a_sample_is_the_same_for_the_same_seed_and_the_journal_is_whole(book: Book) -> None:
    for amount in range(1, 21):
        book.move("bank", "suspense", amount, effective_at=INSIDE)
    with tenant_work(book.workspace):
        first, again, other = (
            [each.posting_id for each in queries.draw_postings(start=START, end=END, seed=seed, size=5)]
            for seed in ("a", "a", "b")
        )
        known = list(queries.posting_ids(start=START, end=END))
        rows = list(queries.journal(start=START, end=END))

    assert first == again != other
    assert len(known) == 20
    assert len(rows) == 40
    assert sum(row.amount_minor if row.direction == "credit" else -row.amount_minor for row in rows) == 0
