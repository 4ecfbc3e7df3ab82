"""The integrity check: what the schema's owner changes behind the triggers is found, and its first row named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ledger import errors, operations, queries
from ledger.integrity import histories, postings
from ledger.integrity.types import CheckRunRecord, Finding, Progress
from ledger.operations.checking import SCHEDULE
from ledger.pace import Pace
from ledger.queries.accounts import as_json
from ledger.types import HoldRecord
from tests.ledger.book import Book, at_once
from zentra.core import actors, clock, ids, schema
from zentra.core.tenancy import tenant_work

TABLES = (
    "ledger_posting", "ledger_entry", "ledger_entry_position", "ledger_entry_unsequenced", "ledger_balance",
    "ledger_account", "ledger_hold",
)  # fmt: skip
Tamper = Callable[..., list[Any]]


@pytest.fixture
def tamper(book: Book) -> Iterator[Tamper]:
    """`tamper(statement, *values)`: change what stands, as the owner and with every trigger of ours asleep."""
    with schema.connect_as_owner() as owner:
        owner.autocommit = True
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))

        def change(statement: str, *values: Any) -> list[Any]:
            with owner.transaction():
                for table in TABLES:
                    owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
                cursor: psycopg.Cursor[Any] = owner.execute(statement.encode(), values)
                changed = cursor.fetchall() if cursor.description else [cursor.rowcount]
            assert changed not in ([], [0]), "the test changed nothing"
            return changed

        yield change


def check(book: Book, **more: Any) -> CheckRunRecord:
    return operations.run_check(workspace=book.workspace, started_by="command", now=clock.now(), **more)


def found(run: CheckRunRecord) -> dict[str, Finding]:
    return {finding.check: finding for finding in run.findings}


def key(public_id: str) -> Any:
    return ids.to_uuid(public_id, prefix=public_id.partition("_")[0])


@pytest.fixture
def acme(book: Book) -> str:
    """An account with a floor and five entries: +1000 −100 −100 −100 −100."""
    account = book.open("acme", floor=0)
    book.move("bank", "acme", 1000)
    for _ in range(4):
        book.move("acme", "bank", 100)
    book.sequence()
    return account


def hold(book: Book, account: str, amount: int) -> HoldRecord:
    with tenant_work(book.workspace):
        return operations.place_hold(
            account=account, amount_minor=amount, reference="card", source="test", actor=actors.LEDGER,
            now=clock.now(), correlation_id="req_test",
        ).hold  # fmt: skip


def test_a_sound_ledger_gives_no_finding(book: Book, acme: str) -> None:
    book.reverse(book.move("acme", "bank", 7))
    book.move("bank", "suspense", 5)  # waits for its place
    held = hold(book, acme, 50)
    hold(book, acme, 20)
    with tenant_work(book.workspace):
        operations.capture_hold(
            hold_id=held.id, amount_minor=30, actor=actors.LEDGER, now=clock.now(), correlation_id="req_test"
        )
        operations.release_hold(
            hold_id=held.id, reason="done", actor=actors.LEDGER, now=clock.now(), correlation_id="req_test"
        )

    run = check(book)

    assert run.findings == ()
    assert run.state == "sound"
    assert (run.postings, run.entries, run.accounts) == book.sql(
        "SELECT (SELECT count(*) FROM ledger_posting), (SELECT count(*) FROM ledger_entry),"
        " (SELECT count(*) FROM ledger_account)"
    )[0]
    with tenant_work(book.workspace):
        assert queries.latest_check() == run
        assert book.sql("SELECT count(*) FROM evidence_event WHERE type = 'ledger.check.diverged'") == [(0,)]


def test_an_amount_that_was_changed_is_found_in_posting_hash_and_history(book: Book, tamper: Tamper) -> None:
    book.open("acme", floor=0)
    book.move("bank", "acme", 10)
    posted = book.move("bank", "acme", 1000)
    book.move("bank", "acme", 10)
    book.sequence()
    tamper(
        "UPDATE ledger_entry SET amount_minor = 1001 WHERE posting_id = %s AND direction = 'credit'",
        key(posted.posting_id),
    )

    run = check(book)

    assert run.state == "diverged"
    first = run.first
    assert first is not None
    assert first.subject == {"posting_id": posted.posting_id, "currency": "USD"}
    assert (first.expected, first.found) == ({"difference_minor": 0}, {"difference_minor": 1})
    assert [finding.check for finding in run.findings] == [
        "posting_balanced", "entry_hash", "entry_place", "history_balance", "balance",
    ]  # fmt: skip
    step = found(run)["history_balance"].first
    assert (step.subject["account"], step.subject["version"]) == ("acme", 2)
    assert (step.expected["balance_after_minor"], step.found["balance_after_minor"]) == (1011, 1010)
    assert found(run)["history_balance"].count == 1


def test_words_that_were_changed_are_found_by_the_hash_alone(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5, description="rent")
    tamper("UPDATE ledger_posting SET description = 'gift' WHERE id = %s", key(posted.posting_id))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_hash"]
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert run.findings[0].first.found == {"entry_hash": posted.entry_hash}


def test_a_posting_that_cannot_be_read_back_is_named_and_stops_nothing(book: Book, acme: str, tamper: Tamper) -> None:
    broken, other = book.move("bank", "acme", 5), book.move("bank", "acme", 6)
    tamper("""UPDATE ledger_posting SET actor = '{"who": "nobody"}' WHERE id = %s""", key(broken.posting_id))
    tamper("UPDATE ledger_posting SET description = 'gift' WHERE id = %s", key(other.posting_id))

    rows = found(check(book))["entry_hash"].rows

    assert [row.subject["posting_id"] for row in rows] == [broken.posting_id, other.posting_id]


def test_an_entry_that_was_deleted_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper("DELETE FROM ledger_entry WHERE posting_id = %s AND direction = 'credit'", key(posted.posting_id))

    run = check(book)

    assert run.findings[0].check == "posting_complete"
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert (run.findings[0].first.expected["entries"], run.findings[0].first.found["entries"]) == (2, 1)
    assert found(run)["history_balance"].first.subject["version"] == 6
    assert "no such entry" in found(run)["history_balance"].first.sentence


def test_an_entry_of_another_time_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper(
        "UPDATE ledger_entry SET effective_at = effective_at - interval '1 day' WHERE id = %s",
        key(posted.entries[1].id),
    )

    run = check(book)

    assert run.findings[0].check == "posting_complete"
    assert run.findings[0].first.found["of_other_times"] == 1


def test_an_entry_of_no_posting_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 5)
    tamper("DELETE FROM ledger_posting WHERE id = %s", key(posted.posting_id))

    rows = found(check(book))["posting_complete"].rows

    assert {row.subject["entry_id"] for row in rows} == {entry.id for entry in posted.entries}


def test_an_entry_in_another_currency_than_its_account_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_account SET currency = 'EUR' WHERE id = %s", key(acme))

    finding = found(check(book))["entry_account"]

    assert finding.count == 5
    assert (finding.first.expected, finding.first.found) == ({"currency": "USD"}, {"currency": "EUR"})


@pytest.mark.parametrize(
    ("column", "change", "part", "expected", "found_value"),
    [
        ("balance_after_minor", "balance_after_minor + 1", "balance_after_minor", 800, 801),
        ("pending_debits_after", "7", "pending_debits_after", 0, 7),
        ("pending_credits_after", "7", "pending_credits_after", 0, 7),
    ],
)
def test_a_running_balance_that_was_changed_is_named_by_its_version(
    book: Book, acme: str, tamper: Tamper, column: str, change: str, part: str, expected: int, found_value: int
) -> None:
    tamper(f"UPDATE ledger_entry_position SET {column} = {change} WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["history_balance"]
    first = run.findings[0].first
    assert (first.subject["account_id"], first.subject["version"]) == (acme, 3)
    assert (first.expected[part], first.found[part]) == (expected, found_value)
    [(entry,)] = book.sql(
        "SELECT entry_id FROM ledger_entry_position WHERE account_id = %s AND version = 3", [key(acme)]
    )
    assert first.subject["entry_id"] == ids.to_public("entry", entry)


def test_a_delta_that_was_changed_is_found_at_its_entry(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_entry_position SET delta_minor = -101 WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_place"]
    first = run.findings[0].first
    assert (first.subject["version"], first.expected["delta_minor"], first.found["delta_minor"]) == (3, -100, -101)


def test_a_gap_in_a_history_is_named(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("DELETE FROM ledger_entry_position WHERE account_id = %s AND version = 3", key(acme))

    run = check(book)

    gap = found(run)["history_gap"].first
    assert (gap.subject["account"], gap.expected["version"], gap.found["version"]) == ("acme", 3, 4)
    place = found(run)["entry_place"].first
    assert (place.expected, place.found) == ({"places": 1}, {"places": 0})
    balance = found(run)["balance"].first
    assert (balance.expected["entries"], balance.found["entries"]) == (4, 5)


def test_an_entry_in_another_account_s_history_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    other = book.open("other", floor=0)
    tamper(
        "UPDATE ledger_entry_position SET account_id = %s, version = 1 WHERE account_id = %s AND version = 5",
        key(other),
        key(acme),
    )

    run = check(book)

    assert found(run)["entry_place"].first.found == {"account_id": other}
    assert {row.subject["account"] for row in found(run)["balance"].rows} == {"acme", "other"}


def test_an_entry_that_has_its_place_and_waits_as_well_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper(
        "INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor)"
        " SELECT account_id, entry_id, delta_minor FROM ledger_entry_position WHERE account_id = %s AND version = 2",
        key(acme),
    )

    run = check(book)

    assert found(run)["entry_place"].first.found == {"places": 2}
    assert found(run)["currency_sum"].first.found == {"sum_minor": -100}


def test_what_waits_for_nothing_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("INSERT INTO ledger_entry_unsequenced (account_id, entry_id, delta_minor) VALUES (%s, %s, 0)", key(acme),
           ids.new_uuid())  # fmt: skip

    run = check(book)

    assert [finding.check for finding in run.findings] == ["entry_place"]
    assert run.findings[0].first.subject["account_id"] == acme


@pytest.mark.parametrize("part", ["posted_debits", "posted_credits", "pending_debits", "pending_credits", "version"])
def test_a_balance_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper, part: str) -> None:
    [(before,)] = tamper(
        f"UPDATE ledger_balance SET {part} = {part} + 1 WHERE account_id = %s RETURNING {part} - 1", key(acme)
    )

    balance = found(check(book))["balance"]

    name = "entries" if part == "version" else part
    assert balance.count == 1
    assert balance.first.subject == {"account_id": acme, "account": "acme"}
    assert (balance.first.expected[name], balance.first.found[name]) == (before, before + 1)


def test_a_balance_without_any_history_is_found(book: Book, tamper: Tamper) -> None:
    empty = book.open("empty", floor=0)
    tamper("UPDATE ledger_balance SET posted_credits = 9 WHERE account_id = %s", key(empty))

    run = check(book)

    assert found(run)["balance"].first.subject["account"] == "empty"
    assert found(run)["currency_sum"].first.found == {"sum_minor": 9}


@pytest.mark.parametrize(
    ("change", "part", "expected", "found_value"),
    [
        ("amount_minor = 101", "amount_minor", 100, 101),
        ("captured_minor = 41", "captured_minor", 40, 41),
        ("released_minor = 1", "released_minor", 0, 1),
        ("state = 'released'", "state", "held", "released"),
    ],
)
def test_a_hold_that_was_changed_is_found(
    book: Book, acme: str, tamper: Tamper, change: str, part: str, expected: object, found_value: object
) -> None:
    held = hold(book, acme, 100)
    with tenant_work(book.workspace):
        operations.capture_hold(
            hold_id=held.id, amount_minor=40, actor=actors.LEDGER, now=clock.now(), correlation_id="req_test"
        )
    tamper(f"UPDATE ledger_hold SET {change} WHERE id = %s", key(held.id))

    run = check(book)

    first = found(run)["hold"].first
    assert first.subject == {"hold_id": held.id, "reference": "card"}
    assert (first.expected[part], first.found[part]) == (expected, found_value)
    # A hold that calls itself released keeps nothing pending; its accounts still do.
    assert ("pending" in found(run)) == (part == "state")


def test_a_hold_that_was_deleted_is_found_with_what_it_holds(book: Book, acme: str, tamper: Tamper) -> None:
    held = hold(book, acme, 100)
    tamper("DELETE FROM ledger_hold WHERE id = %s", key(held.id))

    run = check(book)

    assert found(run)["hold"].first.subject["hold_id"] == held.id
    pending = next(row for row in found(run)["pending"].rows if row.subject["account_id"] == acme)
    assert (pending.expected["pending_debits"], pending.found["pending_debits"]) == (0, 100)


def test_a_sum_of_reversals_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    posted = book.move("bank", "acme", 60)
    book.reverse(posted)
    tamper("UPDATE ledger_reversed SET reversed_minor = 59 WHERE posting_id = %s", key(posted.posting_id))

    run = check(book)

    assert [finding.check for finding in run.findings] == ["reversal"]
    assert run.findings[0].first.subject == {"posting_id": posted.posting_id}
    assert (run.findings[0].first.expected, run.findings[0].first.found) == (
        {"reversed_minor": 60}, {"reversed_minor": 59},
    )  # fmt: skip


def test_more_reversed_than_was_posted_is_found(book: Book, acme: str, tamper: Tamper) -> None:
    small, large = book.move("bank", "acme", 60), book.move("bank", "acme", 80)
    reversal = book.reverse(large)
    tamper("UPDATE ledger_posting SET reverses_id = %s WHERE id = %s", key(small.posting_id), key(reversal.posting_id))

    sentences = [row.sentence for row in found(check(book))["reversal"].rows]

    assert any("moved 60 on account acme by credit; its reversals took back 80" in sentence for sentence in sentences)


@pytest.mark.parametrize("grain", [300, 86_400])
@pytest.mark.parametrize("basis", ["effective", "recorded"])
def test_turnover_that_was_changed_is_found(book: Book, acme: str, tamper: Tamper, basis: str, grain: int) -> None:
    book.sql("SELECT ledger_fold(%s, 4)", [key(acme)])
    assert check(book).state == "sound"
    tamper(
        "UPDATE ledger_turnover SET debits = debits + 5 WHERE account_id = %s AND basis = %s AND grain = %s",
        key(acme), basis, grain,
    )  # fmt: skip

    run = check(book)

    assert [finding.check for finding in run.findings] == ["turnover"]
    first = next(row for row in run.findings[0].rows if row.subject["grain"] == grain)
    assert (first.subject["account"], first.subject["basis"]) == ("acme", basis)
    if grain == 300:
        assert (first.expected["debits"], first.found["debits"]) == (300, 305)


def test_a_divergence_is_an_event_with_its_first_row(book: Book, acme: str, tamper: Tamper) -> None:
    tamper("UPDATE ledger_balance SET version = 6 WHERE account_id = %s", key(acme))

    run = check(book)

    rows = book.sql("SELECT convert_from(body, 'UTF8')::jsonb -> 'data' FROM evidence_event WHERE type = %s",
                    ["ledger.check.diverged"])  # fmt: skip
    [data] = [as_json(row[0]) for row in rows]
    assert data["check_run_id"] == run.id
    assert data["checks"] == [{"check": "balance", "count": 1}]
    assert (data["first"]["check"], data["first"]["subject"]["account_id"]) == ("balance", acme)
    with tenant_work(book.workspace):
        assert queries.latest_check() == run
        assert queries.list_checks(limit=5) == [run]


def test_many_divergent_rows_are_counted_and_the_first_ones_named(book: Book, tamper: Tamper) -> None:
    accounts = [book.open(f"many-{number:02}", floor=0) for number in range(15)]
    tamper("UPDATE ledger_balance SET posted_credits = 1 WHERE account_id = ANY (%s)", [key(each) for each in accounts])

    balance = found(check(book))["balance"]

    assert balance.count == 15
    assert [row.subject["account_id"] for row in balance.rows] == accounts[:10]


def test_a_history_that_spans_stretches_is_checked_as_one(
    book: Book, acme: str, tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "POSITIONS_AT_ONCE", 2)
    monkeypatch.setattr(postings, "POSTINGS_AT_ONCE", 2)
    steps: list[Progress] = []

    sound = check(book, report=steps.append)
    tamper("UPDATE ledger_entry_position SET balance_after_minor = 1 WHERE account_id = %s AND version = 4", key(acme))
    diverged = check(book)

    assert sound.state == "sound"
    entries = [step.done for step in steps if step.step == "histories"]
    assert entries == sorted(entries)
    assert entries[-1] == sound.entries
    assert {step.step for step in steps} == {"postings", "histories", "sums"}
    assert [(finding.check, finding.count) for finding in diverged.findings] == [("history_balance", 1)]
    assert diverged.findings[0].first.subject["version"] == 4


def test_traffic_that_goes_on_is_no_false_alarm(book: Book, acme: str) -> None:
    done = threading.Event()

    def traffic() -> int:
        moved = 0
        while not done.is_set():
            book.move("bank", "acme", 3)
            book.move("acme", "suspense", 2)
            held = hold(book, acme, 1)
            with tenant_work(book.workspace):
                operations.release_hold(
                    hold_id=held.id, reason="x", actor=actors.LEDGER, now=clock.now(), correlation_id="req_test"
                )
            moved += 1
        return moved

    def sequencer() -> int:
        while not done.is_set():
            book.sequence(limit=7)
        return 1

    def checker() -> list[CheckRunRecord]:
        try:
            return [check(book) for _ in range(6)]
        finally:
            done.set()

    runs, moved, *_ = at_once([checker, traffic, sequencer], threads=3)

    assert isinstance(runs, Sequence)
    assert [run.first for run in runs] == [None] * 6
    assert isinstance(moved, int)
    assert moved > 0
    assert runs[-1].entries > runs[0].entries


def test_only_one_check_of_a_workspace_runs_at_a_time(book: Book, acme: str) -> None:
    inside, leave = threading.Event(), threading.Event()

    def wait(_: Progress) -> None:
        inside.set()
        leave.wait(10)

    def second() -> CheckRunRecord:
        inside.wait(10)
        try:
            return check(book)
        finally:
            leave.set()

    first, refused = at_once([lambda: check(book, report=wait), second], threads=2)

    assert isinstance(first, CheckRunRecord)
    assert isinstance(refused, errors.CheckRunning)
    assert check(book).state == "sound"


def test_a_check_needs_a_snapshot_of_its_own(book: Book) -> None:
    with pytest.raises(RuntimeError), tenant_work(book.workspace):
        check(book)


def test_a_check_that_fails_is_kept_as_failed(book: Book) -> None:
    def fail(_: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(book, report=fail)

    with tenant_work(book.workspace):
        latest = queries.latest_check()
    assert latest is not None
    assert latest.state == "failed"


def test_a_check_writes_nothing_to_the_ledger(book: Book, acme: str) -> None:
    before = book.contents()

    check(book)

    assert book.contents() == before


def test_the_schedule_rests_an_hour_and_fifty_times_as_long_as_a_check_took(book: Book) -> None:
    start = clock.now()

    def is_due(after: timedelta) -> bool:
        with tenant_work(book.workspace):
            return operations.is_check_due(now=start + after)

    assert is_due(timedelta())
    operations.run_check(workspace=book.workspace, started_by=SCHEDULE, now=start)
    assert not is_due(timedelta(minutes=59))
    assert is_due(timedelta(minutes=60))
    book.sql("UPDATE ledger_check_run SET finished_at = started_at + interval '100 seconds'")
    assert not is_due(timedelta(seconds=4_999))
    assert is_due(timedelta(seconds=5_000))


def test_work_that_reads_everything_rests_in_proportion() -> None:
    moments = iter([0.0, 10.0, 12.0, 109.0, 110.0, 0.0])
    pace, workspace = Pace(rest=50, clock=lambda: next(moments)), ids.new_uuid()

    assert pace.is_due(workspace)
    with pace.measured(workspace):  # from 10 to 12, so the next one from 110 on
        pass
    assert not pace.is_due(workspace)
    assert pace.is_due(workspace)
    assert pace.is_due(ids.new_uuid())
