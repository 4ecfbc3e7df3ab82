"""``manage.py webhooks_listen``: what arrives is shown, verified and passed on; what is wrong with it is explained."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import deliveries, publish, run_due
from webhooks import signing
from webhooks.listening.diagnosis import Finding, Keys, examine
from webhooks.queries import list_endpoints
from zentra.core import canonical, clock
from zentra.core.tenancy import TenantRef, tenant_work

ROOT = Path(__file__).resolve().parents[2]
SECRET = signing.new_secret()
PAIR = signing.new_key_pair()
EVENT = {"id": "evt_1", "type": "ledger.posted", "intent_id": "intent_042", "data": {"minor_units": 125_000}}
BODY = canonical.dumps(EVENT)


def signed(*, secret: str = SECRET, age: timedelta = timedelta(), body: bytes = BODY) -> dict[str, str]:
    at = datetime.now(UTC) - age
    return signing.sign(message_id="evt_1", signed_at=at, body=body, secrets=[secret]) | {"zentra-sequence": "8172"}


def look(headers: dict[str, str], body: bytes = BODY, *, keys: Keys | None = None) -> Finding:
    return examine(body=body, headers=list(headers.items()), keys=keys or Keys([SECRET]), now=time.time())


# -- Why a signature fails ---------------------------------------------------------------------------------------------


def test_what_verifies_is_the_event() -> None:
    finding = look(signed())

    assert finding.event is not None
    assert (finding.event.sequence, finding.hints) == (8172, ())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps(EVENT).encode(), "parsed and printed again"),
        (BODY + b"\n", "white space"),
        (BODY.replace(b"125000", b"125001"), "these the bytes"),
    ],
)
def test_a_body_that_changed_on_the_way_is_told_by_how(body: bytes, words: str) -> None:
    finding = look(signed(), body)

    assert finding.event is None
    assert "SignatureMismatch" in finding.error
    assert any(words in hint for hint in finding.hints)


def test_another_secret_is_suspected() -> None:
    assert any("this endpoint's secret" in hint for hint in look(signed(secret=signing.new_secret())).hints)


def test_the_other_kind_of_key_is_asked_for() -> None:
    by_key, by_secret = signed(secret=PAIR.private), signed()

    assert "--public-key" in look(by_key).hints[0]
    assert "--secret" in look(by_secret, keys=Keys(public_keys=[PAIR.public])).hints[0]
    assert look(by_key, keys=Keys(public_keys=[PAIR.public])).event is not None


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_wrong_is_told_apart_from_a_signature_that_is(age: timedelta) -> None:
    assert "clock" in look(signed(age=age)).hints[0]
    assert look(signed(age=age, secret=signing.new_secret())).hints == ("The signature does not match either.",)


def test_milliseconds_and_missing_headers_are_recognised() -> None:
    assert "milliseconds" in look(signed() | {"webhook-timestamp": "1800000000000"}).hints[0]
    assert "proxy" in look({}).hints[0]


def test_a_secret_that_cannot_be_used_is_said() -> None:
    assert "ConfigurationError" in look(signed(), keys=Keys(["whsec_%"])).error


# -- The command -------------------------------------------------------------------------------------------------------


@contextmanager
def listening(*words: str, **environment: str) -> Iterator[tuple[str, list[str]]]:
    """The command as a process of its own, ended by Ctrl-C; its address, and the lines that it printed."""
    command = [sys.executable, "manage.py", "webhooks_listen", "--port", "0", "--no-color", *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "listening on" in line:
                break
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            yield lines[-1].split()[2].rstrip(";"), lines
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
            reader.join(timeout=5)


def wait_for(lines: list[str], words: str) -> str:
    """The first line with these words; they come from another process."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        for line in list(lines):
            if words in line:
                return line
        time.sleep(0.02)
    raise AssertionError(f"{words!r} is not in {lines}")


def test_it_prints_one_line_an_event_and_why_another_was_refused() -> None:
    with listening("--secret", SECRET) as (url, lines):
        assert httpx.post(url, content=BODY, headers=signed()).status_code == 204
        assert httpx.post(url, content=BODY, headers=signed(secret=signing.new_secret())).status_code == 401

        good, bad = wait_for(lines, "ok"), wait_for(lines, "refused")
        wait_for(lines, "Each endpoint has its own")

    assert "#8172  ledger.posted  intent_042  evt_1" in good
    assert "SignatureMismatch" in bad


def test_only_what_verifies_is_passed_on_as_it_came_and_the_answer_is_the_other_s() -> None:
    with (
        scripted_endpoint(lambda _: Answer(202)) as behind,
        listening("--secret", SECRET, "--forward", behind.url) as (
            url,
            lines,
        ),
    ):
        assert httpx.post(url, content=BODY, headers=signed(secret=signing.new_secret())).status_code == 401
        assert httpx.post(url, content=BODY, headers=signed()).status_code == 202
        wait_for(lines, behind.url)

    [(headers, body)] = behind.requests
    assert body == BODY
    assert signing.verify(headers=headers, body=body, secrets=[SECRET], now=clock.now()).message_id == "evt_1"


def test_a_program_that_does_not_answer_fails_the_delivery() -> None:
    with listening("--secret", SECRET, "--forward", "http://127.0.0.1:1/") as (url, lines):
        assert httpx.post(url, content=BODY, headers=signed()).status_code == 502
        wait_for(lines, "failed")


def test_deliveries_can_be_saved(tmp_path: Path) -> None:
    with listening("--secret", SECRET, "--save", str(tmp_path / "kept")) as (url, lines):
        httpx.post(url, content=BODY, headers=signed())
        wait_for(lines, "ok")

    saved = json.loads((tmp_path / "kept" / "00001.json").read_text())
    headers, body = saved["headers"], base64.b64decode(saved["body_base64"])
    assert signing.verify(headers=headers, body=body, secrets=[SECRET], now=clock.now()).message_id == "evt_1"


def test_too_large_a_body_is_refused_unread() -> None:
    with listening("--secret", SECRET) as (url, _):
        assert httpx.post(url, content=b"x" * 1_100_000).status_code == 413


def test_an_endpoint_of_a_sandbox_lives_as_long_as_the_command(workspace: TenantRef, local_webhooks: None) -> None:
    words = ("--workspace", workspace.slug, "--events", "account.*")
    with listening(*words, ZENTRA_ALLOW_LOCAL_WEBHOOKS="1") as (url, lines):
        with tenant_work(workspace):
            [endpoint] = list_endpoints()
        assert (endpoint.url, list(endpoint.event_filter)) == (url, ["account.*"])

        [event_id] = publish(workspace)
        run_due()
        assert "account.created" in wait_for(lines, event_id)

    assert [delivery.state for delivery in deliveries(workspace)] == ["resolved"]
    with tenant_work(workspace):
        assert list_endpoints() == []


def test_a_live_workspace_is_refused(live_workspace: TenantRef) -> None:
    with pytest.raises(CommandError, match="live"):
        call_command("webhooks_listen", "--port", "0", "--workspace", live_workspace.slug)


@pytest.mark.parametrize("words", [(), ("--workspace", "no-such-workspace")])
def test_it_says_what_is_missing(words: tuple[str, ...], database: None) -> None:
    with pytest.raises(CommandError):
        call_command("webhooks_listen", "--port", "0", *words)
