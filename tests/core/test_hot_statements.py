"""Writes that are put off: their order, their end with the transaction, and whose connection they belong to."""

import contextvars
import threading

import pytest
from django.db import DatabaseError, connection, transaction

from zentra.core.db.hot import HotCursor, batched, defer_hot, execute_hot


@pytest.fixture
def notes(database: None) -> str:
    """A table of this test alone, gone with its transaction."""
    return "CREATE TEMP TABLE note (place serial, word text) ON COMMIT DROP"


WRITE = "INSERT INTO note (word) VALUES (%s)"


def words() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM note ORDER BY place")
        return [word for (word,) in cursor.fetchall()]


def test_a_read_through_django_sees_what_was_put_off_before_it(notes: str) -> None:
    with transaction.atomic(), batched():
        execute_hot(notes, [])
        defer_hot(WRITE, ["first"])
        defer_hot(WRITE, ["second"])
        assert words() == ["first", "second"]


def test_a_statement_with_an_answer_runs_after_what_was_put_off(notes: str) -> None:
    with transaction.atomic(), batched():
        execute_hot(notes, [])
        defer_hot(WRITE, ["first"])
        answer = execute_hot("SELECT count(*) FROM note", []).fetchone()
        assert answer == (1,)


def test_what_is_put_off_is_written_before_the_commit(database: None) -> None:
    with transaction.atomic():
        with batched():
            execute_hot("CREATE TEMP TABLE note (place serial, word text) ON COMMIT DROP", [])
            defer_hot(WRITE, ["last"])
        assert words() == ["last"]


def test_a_check_that_fails_ends_the_transaction_whoever_sent_it(notes: str) -> None:
    def refuse(_answer: HotCursor) -> None:
        raise LookupError("not what was expected")

    def work() -> None:
        with transaction.atomic(), batched():
            execute_hot(notes, [])
            defer_hot(WRITE, ["first"], refuse)
            execute_hot("SELECT 1", [])

    with pytest.raises(LookupError):
        work()


def test_a_write_that_is_refused_raises_at_the_next_answer_and_nothing_after_it_runs(notes: str) -> None:
    def work() -> None:
        with transaction.atomic(), batched():
            execute_hot(notes, [])
            defer_hot("INSERT INTO no_such_table VALUES (%s)", [1])
            defer_hot(WRITE, ["never"])
            execute_hot("SELECT 1", [])

    with pytest.raises(DatabaseError, match="does not exist"):
        work()


def test_what_was_put_off_inside_a_savepoint_is_undone_with_it(notes: str) -> None:
    def write_and_fail() -> None:
        with transaction.atomic():
            defer_hot(WRITE, ["undone"])
            raise LookupError

    with transaction.atomic(), batched():
        execute_hot(notes, [])
        defer_hot(WRITE, ["kept"])
        with pytest.raises(LookupError):
            write_and_fail()
        assert words() == ["kept"]


def test_an_exception_drops_what_was_put_off(notes: str) -> None:
    def work() -> None:
        with transaction.atomic(), batched():
            execute_hot(notes, [])
            defer_hot("INSERT INTO no_such_table VALUES (%s)", [1])
            raise LookupError

    with pytest.raises(LookupError):
        work()
    with transaction.atomic(), batched():
        assert execute_hot("SELECT 1", []).fetchone() == (1,)


def test_a_copied_context_on_another_thread_sends_nothing_of_ours(notes: str) -> None:
    seen: list[object] = []

    def elsewhere() -> None:
        try:
            seen.append(execute_hot("SELECT to_regclass('pg_temp.note') IS NULL", []).fetchone())
        finally:
            connection.close()

    with transaction.atomic(), batched():
        execute_hot(notes, [])
        defer_hot(WRITE, ["ours"])
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(elsewhere,))
        thread.start()
        thread.join()
        assert seen == [(True,)]
        assert words() == ["ours"]


def test_the_first_message_of_a_transaction_begins_it_without_a_message_of_its_own(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    connection.ensure_connection()
    command = type(connection.connection)._exec_command

    def watched(self: object, said: bytes, *rest: object, **more: object) -> object:
        sent.append(said)
        return command(self, said, *rest, **more)

    monkeypatch.setattr(type(connection.connection), "_exec_command", watched)
    with transaction.atomic(), batched():
        defer_hot("SELECT set_config('zentra.test', 'here', true)", [])
        found = execute_hot("SELECT current_setting('zentra.test'), txid_current_if_assigned() IS NULL", []).fetchone()
        assert found == ("here", True)
        assert connection.connection.info.transaction_status.name == "INTRANS"
        assert connection.connection.autocommit is False
    assert b"BEGIN" not in sent
    assert connection.connection.info.transaction_status.name == "IDLE"


def test_a_first_message_that_fails_leaves_a_connection_that_works(database: None) -> None:
    def work(statement: str) -> None:
        with transaction.atomic(), batched():
            defer_hot("SELECT 1", [])
            execute_hot(statement, [])

    for wrong in ("SELECT nothing FROM nowhere", "no SQL at all", "SELECT 1/0"):
        with pytest.raises(DatabaseError):
            work(wrong)
        assert connection.connection.autocommit is True
        work("SELECT 1")
