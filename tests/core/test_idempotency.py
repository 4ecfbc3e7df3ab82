"""One key, one effect, one answer."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from tests.ledger.book import at_once
from zentra.core import clock, ids
from zentra.core.idempotency.operations import (
    Answer,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    fingerprint,
    run_once,
)
from zentra.core.tenancy import TenantRef, tenant_work

MARK = fingerprint(method="POST", route="/v1/things", body={"amount_minor": 1})
OTHER = fingerprint(method="POST", route="/v1/things", body={"amount_minor": 2})


def write(
    ws: TenantRef, *, effect: Callable[[], Answer], key: str = "key_1", mark: bytes = MARK, wait_ms: int = 5000
) -> Answer:
    with tenant_work(ws):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{wait_ms}ms"])
        return run_once(operation="things.create", key=key, fingerprint=mark, now=clock.now(), effect=effect)


def count_keys(ws: TenantRef) -> int:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM idempotency_key")
        return int(cursor.fetchone()[0])


def test_fifty_threads_with_one_key_make_one_effect_and_get_identical_bytes(workspace: TenantRef) -> None:
    made: list[str] = []

    def effect() -> Answer:
        made.append(ids.new_id("acct"))
        return Answer(201, f'{{"id":"{made[-1]}"}}'.encode())

    answers = at_once([lambda: write(workspace, effect=effect)] * 50, threads=16)

    assert len(made) == 1
    assert {(a.status, a.body) for a in answers if isinstance(a, Answer)} == {(201, f'{{"id":"{made[0]}"}}'.encode())}
    assert [a for a in answers if isinstance(a, Exception)] == []
    assert sum(a.replayed for a in answers if isinstance(a, Answer)) == 49


def test_another_body_is_refused_with_both_fingerprints_and_does_nothing(workspace: TenantRef) -> None:
    write(workspace, effect=lambda: Answer(201, b"first"))

    with pytest.raises(IdempotencyKeyReused) as refused:
        write(workspace, mark=OTHER, effect=lambda: pytest.fail("the effect ran"))

    assert refused.value.extra == {"first_fingerprint": MARK.hex(), "this_fingerprint": OTHER.hex()}
    assert write(workspace, effect=lambda: pytest.fail("the effect ran")) == Answer(201, b"first", replayed=True)


def test_an_effect_that_fails_leaves_its_key_free(workspace: TenantRef) -> None:
    def fail() -> Answer:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        write(workspace, effect=fail)

    assert count_keys(workspace) == 0
    assert write(workspace, mark=OTHER, effect=lambda: Answer(201, b"now")) == Answer(201, b"now")


def test_the_same_key_of_another_operation_or_workspace_is_another_key(
    workspace: TenantRef, other_workspace: TenantRef
) -> None:
    write(workspace, effect=lambda: Answer(201, b"here"))

    assert write(other_workspace, effect=lambda: Answer(201, b"there")) == Answer(201, b"there")
    with tenant_work(workspace):
        answer = run_once(
            operation="others.create", key="key_1", fingerprint=OTHER, now=clock.now(), effect=lambda: Answer(200, b"")
        )
    assert not answer.replayed


class Held:
    """A first request that has written its key and is not done."""

    def __init__(self, ws: TenantRef) -> None:
        self.started, self.release = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, args=[ws])

    def _run(self, ws: TenantRef) -> None:
        def effect() -> Answer:
            self.started.set()
            self.release.wait(20)
            return Answer(201, b"first")

        write(ws, effect=effect)
        connection.close()

    def __enter__(self) -> "Held":
        self.thread.start()
        assert self.started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.thread.join()


def test_a_twin_of_a_request_in_flight_is_told_to_come_back(workspace: TenantRef) -> None:
    with Held(workspace), pytest.raises(IdempotencyInFlight) as refused:
        write(workspace, wait_ms=50, effect=lambda: pytest.fail("the effect ran"))

    assert (refused.value.status, refused.value.retryable, refused.value.retry_after) == (409, True, 1)
    assert write(workspace, effect=lambda: pytest.fail("the effect ran")).body == b"first"


def test_a_twin_that_waits_gets_the_first_answer(workspace: TenantRef) -> None:
    with Held(workspace) as first:
        waiting = threading.Timer(0.05, first.release.set)
        waiting.start()
        answer = write(workspace, effect=lambda: pytest.fail("the effect ran"))

    assert answer == Answer(201, b"first", replayed=True)


def test_every_connection_waits_five_seconds_at_most(workspace: TenantRef) -> None:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("5s",)


def test_the_fingerprint_covers_method_route_and_words_but_not_the_key() -> None:
    words: dict[str, object] = {"a": 1, "b": {"c": [1, 2]}}
    mark = fingerprint(method="POST", route="/v1/x", body=words)

    assert fingerprint(method="POST", route="/v1/x", body={**words, "idempotency_key": "k"}) == mark
    assert fingerprint(method="POST", route="/v1/x", body=dict(reversed(words.items()))) == mark
    others = [("PUT", "/v1/x", words), ("POST", "/v1/y", words), ("POST", "/v1/x", {**words, "a": 2})]
    assert mark not in {fingerprint(method=m, route=r, body=b) for m, r, b in others}
    assert len(mark) == 32
