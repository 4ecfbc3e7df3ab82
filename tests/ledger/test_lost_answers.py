"""The commit happened and nobody heard of it: the same call again finds what stands, and nothing is applied twice.

A proxy stands between the client and PostgreSQL and cuts the line at the moment it is told to, in both directions.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal

import psycopg
import pytest
from django.db import connection, connections

from ledger import operations
from ledger.operations.call import POST_SQL, PostingCall
from tests.ledger.book import Book, item, pair, step, terms
from tests.ledger.whole import assert_whole
from zentra.core import clock, ids
from zentra.core.idempotency.operations import Answer, fingerprint, run_once
from zentra.core.tenancy import tenant_work

Cut = Literal["before the commit arrives", "after the commit, before its answer"]


class Line:
    """A line to PostgreSQL that is cut around the COMMIT."""

    def __init__(self, target: str | tuple[str, int], cut: Cut) -> None:
        self.target, self.cut, self.commit_seen = target, cut, threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        client, _ = self.server.accept()
        if isinstance(self.target, str):
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.target)
        else:
            upstream = socket.create_connection(self.target)
        threading.Thread(target=self._answers, args=(upstream, client), daemon=True).start()
        while sent := _received(client):
            if b"COMMIT" in sent:
                self.commit_seen.set()
                if self.cut == "before the commit arrives":
                    break
            upstream.sendall(sent)
        for end in (client, upstream):
            _hang_up(end)

    def _answers(self, upstream: socket.socket, client: socket.socket) -> None:
        while answer := _received(upstream):
            if self.commit_seen.is_set():  # PostgreSQL has answered, so it has committed
                _hang_up(client)
                return
            client.sendall(answer)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        end.shutdown(socket.SHUT_RDWR)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65536)
    except OSError:
        return b""


@pytest.fixture
def through(book: Book) -> Iterator[Callable[[Cut], psycopg.Connection[Any]]]:
    """A connection as the application's role, in the workspace, over a line that will be cut."""
    settings = connection.settings_dict
    opened: list[psycopg.Connection[Any]] = []

    def connect(cut: Cut) -> psycopg.Connection[Any]:
        host, port = str(settings["HOST"]), int(settings["PORT"] or 5432)
        line = Line(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port), cut)
        opened.append(
            psycopg.connect(
                host="127.0.0.1", port=line.port, dbname=settings["NAME"], user=settings["USER"],
                password=settings["PASSWORD"], sslmode="disable", autocommit=True,
            )
        )  # fmt: skip
        opened[-1].execute(f'SET search_path = "{book.workspace.schema}"'.encode())
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


@pytest.mark.parametrize("cut", ["before the commit arrives", "after the commit, before its answer"])
def test_the_same_posting_after_a_lost_answer_stands_once(
    book: Book, through: Callable[[Cut], psycopg.Connection[Any]], cut: Cut
) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 100)
    asked = item(pair("wallet", "bank", 60))
    line = through(cut)

    line.execute("BEGIN")
    line.execute(POST_SQL.encode(), PostingCall.of([asked]).arguments())
    with pytest.raises(psycopg.OperationalError):
        line.execute("COMMIT")
    again = book.move("wallet", "bank", 60, posting_id=asked.posting.posting_id)

    assert again.replayed is (cut == "after the commit, before its answer")
    assert book.net("wallet") == 40
    assert_whole(book)


def keyed(book: Book, effect: Callable[[], str], key: str) -> Answer:
    """One request under an idempotency key, as a door makes it."""
    with tenant_work(book.workspace):
        return run_once(
            operation="test",
            key=key,
            fingerprint=fingerprint(method="POST", route="/test", body={"key": key}),
            now=clock.now(),
            effect=lambda: Answer(201, effect().encode()),
        )


def effects(book: Book) -> dict[str, Callable[[], str]]:
    """What a client may ask for, each as its door calls it."""
    to_capture, to_release, to_grow = (book.hold("wallet", 50).id for _ in range(3))
    to_reverse, to_correct = book.move("bank", "wallet", 10), book.move("bank", "wallet", 10)
    reversing: dict[str, Any] = {
        "actor": step()["actor"], "correlation_id": "req_test", "recorded_at": clock.now(), "reason": "test",
    }  # fmt: skip
    return {
        "post": lambda: operations.post_entries(lines=pair("wallet", "bank", 1), **terms()).posting_id,
        "place": lambda: operations.place_hold(
            account="wallet", amount_minor=7, reference="r", source="s", **step()
        ).hold.id,
        "capture": lambda: operations.capture_hold(hold_id=to_capture, amount_minor=20, **step()).hold.id,
        "release": lambda: operations.release_hold(hold_id=to_release, amount_minor=20, reason="r", **step()).hold.id,
        "increase": lambda: operations.increase_hold(hold_id=to_grow, amount_minor=20, reason="r", **step()).hold.id,
        "reverse": lambda: operations.reverse_posting(
            posting_id=to_reverse.posting_id, reversal_id=ids.new_id("posting"), amount_minor=4, **reversing
        ).posting_id,
        "correct": lambda: operations.correct_posting(
            posting_id=to_correct.posting_id, reversal_id=ids.new_id("posting"), correction_id=ids.new_id("posting"),
            lines=pair("bank", "wallet", 9), currency="USD", **reversing,
        )[1].posting_id,
    }  # fmt: skip


def test_every_call_under_a_key_is_applied_once_when_its_connection_dies_after_the_commit(book: Book) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 1000)

    for name, effect in effects(book).items():
        first = keyed(book, effect, name)
        _kill_backends(book)  # nobody reads this answer any more
        after_first = book.contents()

        again = keyed(book, effect, name)

        assert (again.body, again.replayed) == (first.body, True), name
        assert book.contents() == after_first, name
    assert_whole(book)


def test_a_call_whose_backend_is_killed_before_its_commit_is_applied_once_in_the_end(book: Book) -> None:
    book.open("wallet", floor=0)
    book.move("bank", "wallet", 1000)

    for name, effect in effects(book).items():
        before = book.contents()

        def dying(effect: Callable[[], str] = effect) -> str:
            answer = effect()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return answer

        with pytest.raises(Exception, match=r"terminat|closed|lost"):
            keyed(book, dying, name)
        connections.close_all()
        assert book.contents() == before, name
        assert keyed(book, effect, name).replayed is False, name
    assert_whole(book)


def _kill_backends(book: Book) -> None:
    """End the server's side of every connection that rests."""
    with psycopg.connect(**_settings(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
            " AND pid <> pg_backend_pid() AND state = 'idle' AND datname = current_database()"
        )
    connections.close_all()


def _settings() -> dict[str, Any]:
    settings = connection.settings_dict
    return {
        "host": settings["HOST"], "port": settings["PORT"] or 5432, "dbname": settings["NAME"],
        "user": settings["USER"], "password": settings["PASSWORD"],
    }  # fmt: skip
