"""Keys that stand in the open are found in any text, told apart, and ended; nothing that is written repeats them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.api.ledger_of_writes import Writes
from tests.api.oauth import make_client
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.tenants.operations import issue_key, revoke_key
from zentra.tenants.services.queries.clients import find_client
from zentra.tenants.services.queries.keys import find_credential


def scan(*args: str) -> str:
    said = io.StringIO()
    try:
        call_command("scan_keys", *args, stdout=said)
    except CommandError as error:
        said.write(f"REFUSED {error}")
    return said.getvalue()


@pytest.fixture
def writes(workspace: TenantRef) -> Writes:
    return Writes(workspace)


@pytest.fixture
def token(workspace: TenantRef) -> str:
    return issue_key(workspace=workspace, name="leaky", now=clock.now()).token


def test_every_secret_is_found_and_told_apart(workspace: TenantRef, token: str, tmp_path: Path) -> None:
    ended = issue_key(workspace=workspace, name="old", now=clock.now())
    revoke_key(key_id=ended.id, now=clock.now())
    client = make_client(workspace)
    text = f"""
    KEY="{token}"
    old: {ended.token}, wrong: {token[:-43] + "x" * 43}
    <a href="?s={client.secret}&x=1">
    https://user:{token}@example.com
    not one: {token}x  zk_prod_{token[8:]}  zk_test_short
    """
    (tmp_path / "app.env").write_text(text)
    (tmp_path / "picture.bin").write_bytes(b"\xff\xfe" + token.encode())

    said = scan(str(tmp_path))

    key_id = "key_" + token.split("_")[2]
    assert said.count(f"{key_id} of {workspace.slug}: alive") == 3
    assert f"{ended.id} of {workspace.slug}: ended" in said
    assert f"{key_id}: unknown" in said
    assert f"{client.client_id} of {workspace.slug}: alive" in said
    assert "6 found, 4 of them work." in said
    assert "REFUSED" in said
    for secret in (token, client.secret, ended.token):
        assert secret[-43:] not in said


def test_what_works_is_ended_and_recorded(
    workspace: TenantRef, token: str, tmp_path: Path, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(workspace)
    writes.new_events()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token} {client.secret}"))

    said = scan("--revoke", "-")

    assert "2 found, 0 of them work." in said
    assert "REFUSED" not in said
    credential = find_credential(key_id="key_" + token.split("_")[2])
    record = find_client(client_id=client.client_id, now=clock.now())
    assert credential is not None
    assert record is not None
    assert credential.revoked_at is not None
    assert record.secrets == ()
    kinds = writes.new_types()
    assert (kinds["key.revoked"], kinds["client.secret_ended"]) == (1, 1)
    reasons = {
        event["data"].get("reason") for event in writes.new_events() if event["type"].endswith(("voked", "nded"))
    }
    assert reasons == {"leaked"}
    assert "ended now" not in scan("--revoke", str(_kept(tmp_path, token)))


def _kept(folder: Path, text: str) -> Path:
    path = folder / "again.txt"
    path.write_text(text)
    return path


def test_a_path_that_is_not_there_is_told(database: None) -> None:
    assert "REFUSED There is no /no/such/file" in scan("/no/such/file")


def test_the_signing_key_is_rotated_by_command(database: None) -> None:
    said = io.StringIO()
    call_command("rotate_signing_key", stdout=said)
    assert "signs in ten minutes" in said.getvalue()
