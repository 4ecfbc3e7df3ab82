"""What PostgreSQL ends for another one's sake is run again, as a whole, bounded and counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import psycopg
import pytest
from django.db import OperationalError, transaction

from ledger.errors import LedgerBusy
from tests.api.ledger_of_writes import Writes
from tests.api.test_ledger_entries import PAIR, post, wallet
from zentra.api.retries import MOST_RETRIES, SERIALIZATION_RETRIES, is_for_another, run_retried
from zentra.core import schema, telemetry
from zentra.core.idempotency.operations import IdempotencyInFlight, IdempotencyRaced
from zentra.core.tenancy import TenantRef


def ended_by(cause: type[psycopg.Error]) -> OperationalError:
    error = OperationalError("ended")
    error.__cause__ = cause()
    return error


def busy(cause: type[psycopg.Error]) -> LedgerBusy:
    error = LedgerBusy()
    error.__cause__ = ended_by(cause)
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (busy(psycopg.errors.DeadlockDetected), True),
        (busy(psycopg.errors.SerializationFailure), True),
        (ended_by(psycopg.errors.DeadlockDetected), True),
        (IdempotencyRaced(), True),
        (busy(psycopg.errors.LockNotAvailable), False),
        (ended_by(psycopg.errors.LockNotAvailable), False),
        (IdempotencyInFlight(), False),
        (LedgerBusy(), False),
    ],
)
def test_what_is_run_again(error: Exception, expected: bool) -> None:
    assert is_for_another(error) is expected


def failing(times: int, error: Callable[[], Exception]) -> tuple[Callable[[], str], list[int]]:
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise error()
        return "done"

    return attempt, tries


def test_it_is_run_again_and_counted(database: None) -> None:
    attempt, tries = failing(2, lambda: busy(psycopg.errors.DeadlockDetected))
    pauses: list[float] = []
    before = SERIALIZATION_RETRIES.value

    assert run_retried(attempt, pause=pauses.append) == "done"

    assert (len(tries), len(pauses), SERIALIZATION_RETRIES.value - before) == (3, 2, 2)
    assert all(0 <= pause <= 0.1 for pause in pauses)
    assert telemetry.counters()["zentra_ledger_serialization_retries_total"] == SERIALIZATION_RETRIES.value


def test_it_is_bounded(database: None) -> None:
    attempt, tries = failing(99, lambda: busy(psycopg.errors.SerializationFailure))

    with pytest.raises(LedgerBusy):
        run_retried(attempt, pause=lambda _: None)
    assert len(tries) == 1 + MOST_RETRIES


def test_a_lock_that_was_not_free_in_time_is_the_caller_s_to_ask_again(database: None) -> None:
    attempt, tries = failing(1, lambda: busy(psycopg.errors.LockNotAvailable))

    with pytest.raises(LedgerBusy):
        run_retried(attempt)
    assert len(tries) == 1


def test_inside_of_a_transaction_nothing_is_run_again(database: None) -> None:
    attempt, tries = failing(1, lambda: busy(psycopg.errors.DeadlockDetected))

    @transaction.atomic
    def within() -> str:
        return run_retried(attempt)

    with pytest.raises(LedgerBusy):
        within()
    assert len(tries) == 1


def test_a_real_deadlock_is_survived(http: httpx.Client, workspace: TenantRef, writes: Writes) -> None:
    """A stranger takes two balances in the wrong order, as only somebody outside of the ledger's functions would."""
    first, second = sorted([wallet(http), wallet(http)])
    for account in (first, second):
        post(http, "/ledger-entries", PAIR | {"credit": account})
    writes.note()
    before = SERIALIZATION_RETRIES.value
    answers: list[httpx.Response] = []
    body = {"debit": first, "credit": second, "amount_minor": 1, "idempotency_key": "dead"}
    with schema.connect_as_owner() as stranger:
        stranger.execute(psycopg.sql.SQL("SET search_path = {}").format(psycopg.sql.Identifier(workspace.schema)))
        lock = (
            "SELECT 1 FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id WHERE a.code = %s"
            " FOR UPDATE OF b"
        )
        stranger.execute(lock, [second])
        asking = threading.Thread(target=lambda: answers.append(http.post("/ledger-entries", json=body)))
        asking.start()
        _wait_for_a_waiter(stranger)
        # Whoever waits longer looks for a deadlock first and is ended: the request.
        stranger.execute(lock, [first])
        stranger.rollback()
    asking.join(timeout=30)

    assert [answer.status_code for answer in answers] == [201], answers[0].text
    assert SERIALIZATION_RETRIES.value > before
    assert writes.new_rows()["ledger_posting"] == 1
    assert writes.new_types() == {"ledger.entry.posted": 1}


def _wait_for_a_waiter(stranger: psycopg.Connection[tuple[object, ...]]) -> None:
    """Until somebody waits for what the stranger holds."""
    for _ in range(2000):
        row = stranger.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        ).fetchone()
        if row is not None and row[0]:
            return
        stranger.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("Nobody waited.")
