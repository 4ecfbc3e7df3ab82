"""Everything that is encrypted moves to a newer key, nothing is forgotten, and only then may the older key go."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.conf import settings as live
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from tests.people import join
from zentra.core import clock, crypto
from zentra.core.schema import connect_as_owner
from zentra.core.sealed.columns import PUBLIC, TENANT
from zentra.core.sealed.resealing import walk
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import connect_rail
from zentra.routing.queries import callback_keys

HERE = Path(__file__).resolve().parents[2]
NEW = "a newer key of at least thirty-two characters"
HOOK = {"url": "http://127.0.0.1:9/hook"}
ALL = {column.name for column in (*PUBLIC, *TENANT)}
# Every module that seals something, and where that is kept.
SEALERS = {
    "evidence/operations/log.py": "evidence_log.signing_key",
    "webhooks/outbound/endpoints/headers.py": "webhooks_endpoint_header.value",
    "webhooks/outbound/endpoints/keys.py": "webhooks_endpoint_secret.secret",
    "zentra/alarms/operations/channels.py": "alarms_channel.secret",
    "zentra/core/idempotency/operations.py": "idempotency_key.body",
    "zentra/routing/operations/secrets.py": "routing_rail_secret.secret_encrypted",
    "zentra/tenants/adapters.py": "mfa_authenticator.data",
    "zentra/tenants/mail/operations.py": "tenants_outgoing_mail.sealed",
    "zentra/tenants/passwords/operations.py": "work_item.ref",
    "zentra/tenants/services/operations/signing.py": "tenants_signing_key.private_key",
}


def rotate(*, check: bool = False, **options: Any) -> str:
    said = io.StringIO()
    call_command("rotate_secrets", check=check, stdout=said, **options)
    return said.getvalue()


@pytest.fixture
def keys(settings: Settings, database: None) -> Iterator[Callable[[list[str]], None]]:
    """Say which keys there are; at the end everything is under the key of the session again."""
    first = list(live.ZENTRA_SECRET_KEYS)

    def use(these: list[str]) -> None:
        settings.ZENTRA_SECRET_KEYS = [each.replace("FIRST", first[0]) for each in these]

    yield use
    settings.ZENTRA_SECRET_KEYS = [*first, NEW]
    rotate()


@pytest.fixture
def scene(http: httpx.Client, workspace: TenantRef) -> dict[str, Any]:
    """Something in every column that may hold something sealed; what it says in the clear."""
    from zentra.tenants.mail.operations import queue_mail
    from zentra.tenants.passwords.operations import ask_for_reset
    from zentra.tenants.queries import platform_ref
    from zentra.tenants.services.operations.signing import rotate_signing_key

    endpoint = http.post("/webhook-endpoints", json=HOOK, headers={"Idempotency-Key": "endpoint"}).json()
    http.put(f"/webhook-endpoints/{endpoint['id']}/headers/X-Auth", json={"value": "opensesame"}).raise_for_status()
    http.post("/alarm-channels", json={"kind": "webhook", "target": "http://127.0.0.1:9/alarm"}).raise_for_status()
    with tenant_work(workspace):
        rail = connect_rail(
            ws=workspace, name="rail_s", base_url="http://127.0.0.1:9", secret="whsec_" + "QUFB" * 8, now=clock.now()
        )
    person = join(workspace, role="admin")
    with tenant_work(platform_ref()):
        queue_mail(to="who@example.com", kind="password_reset", now=clock.now(), values={
            "email": "who@example.com", "until": "tomorrow", "link_url": "http://localhost/x",
        })  # fmt: skip
    ask_for_reset(email="who@example.com", now=clock.now())
    rotate_signing_key(now=clock.now())
    return {"endpoint": endpoint, "rail": rail.id, "person": person}


def sealed_places(schema: str) -> set[str]:
    """Columns of a schema in which any row holds something that looks sealed."""
    found = set()
    with connection.cursor() as cursor, connect_as_owner() as owner:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
            [schema],
        )
        for (table,) in cursor.fetchall():
            rows = owner.execute(
                f'SELECT DISTINCT e.key FROM "{schema}"."{table}" AS t, jsonb_each_text(to_jsonb(t)) AS e'
                r" WHERE e.value LIKE 'gAAAAA%' OR e.value LIKE '\\x674141414141%' OR e.value LIKE '%\"gAAAAA%'"
            )
            found |= {f"{table}.{column}" for (column,) in rows}
    return found


# -- Nothing is forgotten ----------------------------------------------------------------------------------------------


def test_every_column_in_which_something_sealed_is_found_is_one_of_the_list(
    scene: dict[str, Any], workspace: TenantRef
) -> None:
    found = sealed_places("public") | sealed_places(workspace.schema)
    assert found - ALL == set()
    # And the scene has all of them, so that the tests below speak of all.
    assert ALL - found == set()


def test_every_model_s_field_that_says_it_is_encrypted_is_one_of_the_list() -> None:
    said = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        for field in model._meta.local_fields
        if "ZENTRA_SECRET_KEYS" in (field.db_comment or "")
    }
    assert len(said) >= 6
    assert said - ALL == set()


def test_every_module_that_seals_something_says_where_it_is_kept() -> None:
    sealing = set()
    for root in ("zentra", "ledger", "policy", "webhooks", "evidence", "console"):
        for path in sorted((HERE / root).rglob("*.py")):
            text = path.read_text()
            for node in ast.walk(ast.parse(text)) if "encrypt(" in text else ():
                if isinstance(node, ast.Call) and ast.unparse(node.func) in {"encrypt", "crypto.encrypt"}:
                    sealing.add(str(path.relative_to(HERE)))
    assert sealing == set(SEALERS)
    assert set(SEALERS.values()) == ALL


# -- Moving ------------------------------------------------------------------------------------------------------------


def test_everything_moves_to_the_newest_key_and_then_the_older_one_may_go(
    scene: dict[str, Any], http: httpx.Client, workspace: TenantRef, keys: Callable[[list[str]], None]
) -> None:
    assert "Everything" not in rotate(check=True)  # one key: there is none to drop
    keys([NEW, "FIRST"])
    with pytest.raises(CommandError, match="not under the newest key"):
        rotate(check=True)

    said = rotate(batch=2)
    again = http.post("/webhook-endpoints", json=HOOK, headers={"Idempotency-Key": "endpoint"})
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", scene["endpoint"])

    assert "older ones may be dropped" in said
    for name in ALL:
        assert f"{name}: " in said, name
    assert NEW not in said
    assert live.ZENTRA_SECRET_KEYS[1] not in said
    # With the older key gone, all of it is read.
    keys([NEW])
    rotate(check=True)
    assert http.post("/webhook-endpoints", json=HOOK, headers={"Idempotency-Key": "other"}).status_code == 201
    # But for one thing, which the command says: the digest of a secret request is under the oldest key.
    late = http.post("/webhook-endpoints", json=HOOK, headers={"Idempotency-Key": "endpoint"})
    assert late.json()["code"] == "idempotency_key_reused"
    with tenant_work(workspace):
        assert callback_keys(rail_id=scene["rail"], now=clock.now()).secrets == ("whsec_" + "QUFB" * 8,)
    assert http.post("/ledger-entries", json={
        "debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 1,
    }).status_code == 201  # fmt: skip


def test_what_is_moved_already_is_left_alone_and_a_run_that_was_ended_goes_on(
    scene: dict[str, Any], workspace: TenantRef, keys: Callable[[list[str]], None]
) -> None:
    keys([NEW, "FIRST"])
    with connect_as_owner() as owner:
        for schema, _name, _found in walk(owner=owner):
            if schema == workspace.schema:
                break  # as if it was killed there
    assert "moved" in rotate()
    said = rotate()
    moved = [line for line in said.splitlines() if "moved" in line]
    assert moved
    assert all("0 moved" in line for line in moved)


def test_a_row_that_changes_meanwhile_is_never_overwritten(
    scene: dict[str, Any], workspace: TenantRef, keys: Callable[[list[str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys([NEW, "FIRST"])
    fresh = crypto.encrypt(b"written by somebody else")
    reseal = crypto.reseal

    def slow(sealed: bytes) -> bytes:
        if crypto.decrypt(sealed) == b"opensesame":
            with connect_as_owner() as other:
                other.execute(f'UPDATE "{workspace.schema}".webhooks_endpoint_header SET value = %s', [fresh])
        return reseal(sealed)

    monkeypatch.setattr(crypto, "reseal", slow)
    with pytest.raises(CommandError, match="Run rotate_secrets"):
        rotate()
    monkeypatch.undo()
    rotate()
    with connect_as_owner() as owner:
        [(kept,)] = owner.execute(f'SELECT value FROM "{workspace.schema}".webhooks_endpoint_header').fetchall()
    assert kept == fresh


def test_what_no_key_opens_is_said_and_left_as_it_is(
    scene: dict[str, Any], workspace: TenantRef, keys: Callable[[list[str]], None], settings: Settings
) -> None:
    before = list(live.ZENTRA_SECRET_KEYS)
    settings.ZENTRA_SECRET_KEYS = ["a key that nobody remembers any more at all"]
    lost = crypto.encrypt(b"lost")
    settings.ZENTRA_SECRET_KEYS = before
    with connect_as_owner() as owner:
        owner.execute(f'UPDATE "{workspace.schema}".webhooks_endpoint_header SET value = %s', [lost])
    try:
        for check in (True, False):
            with pytest.raises(CommandError, match="1 cannot be opened"):
                rotate(check=check)
    finally:
        with connect_as_owner() as owner:
            [(kept,)] = owner.execute(f'SELECT value FROM "{workspace.schema}".webhooks_endpoint_header').fetchall()
            owner.execute(f'DELETE FROM "{workspace.schema}".webhooks_endpoint_header')
    assert kept == lost


def test_texts_inside_a_document_are_moved_and_the_rest_of_it_stays(settings: Settings) -> None:
    from zentra.core.sealed.columns import SealedColumn
    from zentra.core.sealed.resealing import Found, _reseal_value

    settings.ZENTRA_SECRET_KEYS = ["first"]
    sealed = crypto.encrypt(b"JBSWY3DPEHPK3PXP").decode()
    document = {"secret": sealed, "codes": [sealed, "plain", 7, None], "name": "gAAAAAnot sealed", "used": 3}
    settings.ZENTRA_SECRET_KEYS = ["second", "first"]

    seen = Found()
    moved = _reseal_value(SealedColumn("t", "c", "", kind="json"), document, seen)

    settings.ZENTRA_SECRET_KEYS = ["second"]
    assert crypto.decrypt(moved["secret"].encode()) == crypto.decrypt(moved["codes"][0].encode()) == b"JBSWY3DPEHPK3PXP"
    assert json.dumps({**moved, "secret": sealed, "codes": [sealed, *moved["codes"][1:]]}) == json.dumps(document)
    assert (seen.by_key[1], seen.unreadable) == (2, 1)
