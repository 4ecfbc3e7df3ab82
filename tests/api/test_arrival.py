"""What the two servers do with requests that are too slow, too large in the head, or cut off: end them, never hang.

Each server is started once, with short times, over the database of the tests.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.api.ledger_of_writes import Writes
from zentra.arrival import times
from zentra.arrival.times import Reaper, seconds_for_body
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.embedded.ports import free_port

HERE = Path(__file__).resolve().parents[2]
# The times are set short by a module that the servers import first.
_SHORT = "from zentra.arrival import times; times.HEAD_SECONDS = 2.0; times.BODY_SECONDS = 2.0"
SERVERS = {
    "daphne": "-m daphne -v 0 -b 127.0.0.1 -p {port} zentra.asgi:application",
    "gunicorn": "-m gunicorn --worker-class zentra.arrival.gunicorn.TimedWorker --workers 1 --threads 2"
    " --limit-request-line 8190 --limit-request-fields 50 --limit-request-field_size 8190 --log-level error"
    " -b 127.0.0.1:{port} zentra.wsgi:application",
}


@contextmanager
def served(name: str, folder: Path) -> Iterator[int]:
    port = free_port()
    (folder / "sitecustomize.py").write_text(_SHORT)
    environment = dict(os.environ) | {"PYTHONPATH": f"{folder}:{HERE}", "ZENTRA_DATABASE_POOL": "4"}
    words = SERVERS[name].format(port=port).split()
    log = (folder / f"{name}.log").open("wb")
    process = subprocess.Popen([sys.executable, *words], cwd=HERE, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                # Answered once, so that nothing is still being loaded when times are taken.
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                client.request("GET", "/healthz")
                assert client.getresponse().status == 200
                client.close()
                break
            except OSError:
                assert process.poll() is None, (folder / f"{name}.log").read_text()
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture(scope="module", params=list(SERVERS))
def port(request: pytest.FixtureRequest, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(request.param, tmp_path_factory.mktemp(request.param)) as listening:
        yield listening


def head(token: str, *lines: str, path: str = "/v1/accounts", method: str = "POST") -> bytes:
    said = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", *lines]
    return ("\r\n".join(said) + "\r\n\r\n").encode()


def answer_of(wire: socket.socket) -> int:
    """The status that is answered; 0 when the connection is ended without one."""
    try:
        answer = http.client.HTTPResponse(wire)
        answer.begin()
        answer.read()
        return answer.status
    except (http.client.HTTPException, ConnectionError):
        return 0


def drip(wire: socket.socket, *, every: float, most: float) -> float:
    """Send a byte now and then until the other side ends it; how long that took, or ``most``."""
    began = time.monotonic()
    wire.settimeout(every)
    while time.monotonic() - began < most:
        try:
            wire.sendall(b"a")
            if not wire.recv(1, socket.MSG_PEEK):
                break
            break  # something was answered
        except TimeoutError:
            continue
        except OSError:
            break
    wire.settimeout(10)
    return time.monotonic() - began


# -- Too slow ----------------------------------------------------------------------------------------------------------


def test_a_body_that_drips_is_ended_and_nothing_is_done(port: int, api_key: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
        wire.sendall(head(api_key, "Content-Type: application/json", "Content-Length: 5000") + b'{"customer": "')
        took = drip(wire, every=0.2, most=40)
        status = answer_of(wire)
    assert took < 30
    assert status in {408, 0}
    assert writes.new_rows() == {}


def test_a_head_that_drips_is_ended(port: int, api_key: str) -> None:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
        wire.sendall(head(api_key)[:-4] + b"\r\nX-Slow: ")
        took = drip(wire, every=0.2, most=40)
    assert took < 30


def test_dripping_clients_do_not_keep_others_waiting_for_ever(port: int, api_key: str) -> None:
    """More of them than the process has threads; after their time everybody is answered again."""
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(6)]
    for wire in slow:
        wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("GET", "/healthz")
    assert client.getresponse().status == 200
    client.close()
    for wire in slow:
        wire.close()


def test_who_says_nothing_or_half_or_does_not_hang_up_costs_nobody_else_a_second(port: int, api_key: str) -> None:
    half = head(api_key)[:-4] + b"\r\nX-Slow: "
    refused = b"GET / nonsense\r\nHost: localhost\r\n\r\n"
    slow = [(said, socket.create_connection(("127.0.0.1", port), timeout=20)) for said in (b"", half, refused) * 5]
    for said, wire in slow:
        wire.sendall(said)

    for _ in range(3):
        began = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        client.request("GET", "/healthz")
        assert client.getresponse().status == 200
        client.close()
        assert time.monotonic() - began < 1.5

    for said, wire in slow:
        if said == half:
            assert answer_of(wire) in {0, 408}
        wire.close()
    assert time.monotonic() - began < 15


def test_requests_that_come_together_are_answered_one_after_the_other(port: int, api_key: str) -> None:
    one = head(api_key, path="/healthz", method="GET")
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as wire:
        wire.sendall(one + one + one[:20])
        time.sleep(0.3)
        wire.sendall(one[20:])
        seen = b""
        while seen.count(b"HTTP/1.1 200") < 3:
            piece = wire.recv(65536)
            assert piece, seen
            seen += piece


# -- Cut off -----------------------------------------------------------------------------------------------------------


def test_a_body_that_is_cut_off_is_not_taken_for_the_whole(port: int, api_key: str, workspace: TenantRef) -> None:
    whole = b'{"customer": "c", "currency": "USD", "account_type": "customer"}'
    writes = Writes(workspace)
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
        wire.sendall(head(api_key, "Content-Type: application/json", f"Content-Length: {len(whole) + 9}") + whole)
        wire.shutdown(socket.SHUT_WR)
        status = answer_of(wire)
    assert status in {408, 0}
    assert writes.new_rows() == {}


# -- Too much in the head ----------------------------------------------------------------------------------------------


def test_a_head_that_is_too_large_is_refused_and_never_a_500(port: int, api_key: str) -> None:
    cases = {
        "many fields": head(api_key, *(f"X-{n}: 1" for n in range(600)), method="GET"),
        "a large field": head(api_key, "X-Large: " + "a" * 20_000, method="GET"),
        "a long address": head(api_key, path="/v1/accounts?q=" + "a" * 20_000, method="GET"),
        "a large credential": head("z" * 20_000, method="GET"),
        "a field without a name": head(api_key, ": nothing", method="GET"),
        "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "two lengths": head(api_key, "Content-Length: 5", "Content-Length: 6") + b"{}",
        "a length and chunks": head(api_key, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    }
    seen = {}
    for name, said in cases.items():
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
            try:
                wire.sendall(said)
            except OSError:
                seen[name] = 0
                continue
            seen[name] = answer_of(wire)
    assert {name: status for name, status in seen.items() if status not in {0, 400, 408, 413, 414, 431}} == {}
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", "/healthz")
    assert client.getresponse().status == 200


def test_a_body_that_nobody_would_take_is_refused_at_once(port: int, api_key: str, workspace: TenantRef) -> None:
    writes = Writes(workspace)
    for more in ("X-More: 1", "Expect: 100-continue"):
        with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
            began = time.monotonic()
            length = f"Content-Length: {times.MOST_BYTES + 1}"
            wire.sendall(head(api_key, "Content-Type: application/json", length, more) + b'{"customer": ')
            status = answer_of(wire)
            if more.startswith("Expect") and status == 100:
                status = answer_of(wire)
            assert (status, time.monotonic() - began < 2.0) == (413, True)
    assert writes.new_rows() == {}


def test_a_client_names_no_mount_point(port: int, api_key: str) -> None:
    """Proxies on this machine are trusted by gunicorn, and it takes SCRIPT_NAME from them as a header."""
    for path, status in (("/v1/accounts", 200), ("/healthz/v1/accounts", 404), ("/static/v1/accounts", 404)):
        mount = path.removesuffix("/v1/accounts")
        for name in ("SCRIPT_NAME", "Daphne-Root-Path", "SCRIPT-NAME"):
            with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
                wire.sendall(head(api_key, f"{name}: {mount or '/v1'}", path=path, method="GET"))
                assert answer_of(wire) == status, (name, path)


# -- The times themselves ----------------------------------------------------------------------------------------------


def test_a_body_has_time_by_its_length() -> None:
    assert seconds_for_body(None) == seconds_for_body(0) == times.BODY_SECONDS
    assert seconds_for_body(64 * 1024 * 1024) < 2000
    assert seconds_for_body(10**15) == seconds_for_body(times.MOST_BYTES) < 4000


def test_a_socket_whose_time_is_over_reads_its_end_and_still_answers() -> None:
    moment = 0.0
    reaper = Reaper(stopwatch=lambda: moment)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reaper.watch("a", seconds=5, find=lambda: ours)
        moment = 4.9
        assert reaper.end_late() == 0
        moment = 5.0
        assert reaper.end_late() == 1
        assert ours.recv(10) == b""
        ours.sendall(b"408")
        assert theirs.recv(10) == b"408"
        assert reaper.end_late() == 0


def test_what_arrived_is_left_alone_and_what_is_gone_is_no_failure() -> None:
    moment = 0.0
    reaper = Reaper(stopwatch=lambda: moment)
    ours, theirs = socket.socketpair()
    reaper.watch("a", seconds=1, find=lambda: ours)
    reaper.release("a")
    reaper.release("a")
    moment = 2.0
    assert reaper.end_late() == 0
    reaper.watch("b", seconds=1, find=lambda: ours)
    ours.close()
    theirs.close()
    moment = 4.0
    assert reaper.end_late() == 1


# -- Statements --------------------------------------------------------------------------------------------------------


def test_a_request_whose_statement_takes_too_long_is_ended_with_nothing_done(
    http: object, workspace: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    import httpx
    from django.db import connection

    assert isinstance(http, httpx.Client)
    hold, release = threading.Event(), threading.Event()

    def holder() -> None:
        with tenant_work(workspace), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE idempotency_key IN ACCESS EXCLUSIVE MODE")
            hold.set()
            release.wait(20)
        connection.close()

    monkeypatch.setattr(settings, "ZENTRA_API_STATEMENT_MS", 300)
    thread = threading.Thread(target=holder)
    thread.start()
    assert hold.wait(10)
    body = {"customer": "c", "currency": "USD", "account_type": "customer", "idempotency_key": "k"}
    try:
        late = http.post("/accounts", json=body)
    finally:
        release.set()
        thread.join()
    assert (late.status_code, late.json()["code"], late.json()["retryable"]) == (504, "took_too_long", True)
    assert late.headers["Retry-After"] == "1"
    again = http.post("/accounts", json=body)
    assert (again.status_code, "idempotent-replayed" in again.headers) == (201, False)


def test_the_limit_of_statements_ends_with_the_request(workspace: TenantRef) -> None:
    from django.db import connection, transaction

    from zentra.core.tenancy import limited_statements

    def current() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    with limited_statements(1500), tenant_work(workspace):
        assert current() == "1500ms"
    with tenant_work(workspace):
        assert current() == "0"
    with limited_statements(1500), transaction.atomic():
        with tenant_work(workspace):
            assert current() == "1500ms"
        assert current() == "0"


# -- Forms -------------------------------------------------------------------------------------------------------------


def test_a_form_that_names_no_boundary_is_answered_by_us_and_not_by_the_server(port: int, api_key: str) -> None:
    """Twisted takes forms apart by itself, whole and in memory, and ends what it cannot read without a word."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "multipart/form-data"}
    client.request("POST", "/v1/reconciliation/imports", body=b"no form", headers=headers)

    answer = client.getresponse()

    assert (answer.status, json.loads(answer.read())["code"]) == (422, "upload_invalid")
