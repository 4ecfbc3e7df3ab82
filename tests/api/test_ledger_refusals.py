"""Every refusal of the ledger has its own code and the numbers that explain it, and leaves everything as it was."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests import workspaces
from tests.api.ledger_of_writes import Writes
from tests.api.refused_requests import CASES, PAIR, Ask, Scene
from zentra.api import error_pages
from zentra.core import ids, schema
from zentra.core.tenancy import TenantRef, tenant_work

MONEY_TABLES = (
    "ledger_account", "ledger_balance", "ledger_posting", "ledger_entry", "ledger_entry_position",
    "ledger_entry_unsequenced", "ledger_hold", "ledger_hold_event", "ledger_reversed", "idempotency_key",
)  # fmt: skip


@pytest.fixture(scope="module")
def workspace(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """One for all of these: a refusal adds nothing."""
    with django_db_blocker.unblock():
        made = workspaces.create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield made
        workspaces.drop(made)


_scenes: dict[str, Scene] = {}


@pytest.fixture
def scene(http: httpx.Client, workspace: TenantRef) -> Scene:
    """Made once per workspace."""
    if workspace.schema not in _scenes:
        _scenes[workspace.schema] = _set(http)
        _close_january_2020(workspace)
    return replace(_scenes[workspace.schema], http=http)


def _set(http: httpx.Client) -> Scene:
    def account(**fields: Any) -> str:
        body = {"customer": "c", "currency": "USD", "account_type": "operating", **fields}
        return str(_done(http.post("/accounts", json=body))["id"])

    def post(**fields: Any) -> str:
        return str(_done(http.post("/ledger-entries", json=PAIR | fields))["id"])

    wallet = account()
    post(credit=wallet, amount_minor=500)
    frozen, closed = account(), account()
    _done(http.post(f"/accounts/{frozen}/freeze", json={"reason": "asked by the police"}))
    _done(http.post(f"/accounts/{closed}/close", json={"reason": "left"}))
    posting, part, undone = post(), post(), post()
    _done(http.post(f"/postings/{part}/reverse", json={"reason": "half", "amount_minor": 60}))
    reversal = str(_done(http.post(f"/postings/{undone}/reverse", json={"reason": "all"}))["id"])
    held = {"account": wallet, "amount_minor": 100, "reference": "auth", "source": "card"}
    hold, ended = (str(_done(http.post("/holds", json=held))["id"]) for _ in range(2))
    _done(http.post(f"/holds/{ended}/release", json={"reason": "cancelled"}))
    full = account(ceiling_minor=50)
    euros = account(currency="EUR")
    return Scene(http, wallet, full, frozen, closed, euros, posting, part, undone, reversal, hold, ended)


def _done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.text
    document: dict[str, Any] = answer.json()
    return document


def everything(workspace: TenantRef) -> dict[str, str]:
    """A digest of every row of every table that money or keys stand in."""
    digests = {}
    with tenant_work(workspace), connection.cursor() as cursor:
        for table in MONEY_TABLES:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {table} t")
            digests[table] = hashlib.sha256(cursor.fetchone()[0].encode()).hexdigest()
    return digests


def _close_january_2020(workspace: TenantRef) -> None:
    """As the desk that closes periods will: the application's own role may only read them."""
    with schema.connect_as_owner() as owner:
        owner.execute(psycopg.sql.SQL("SET search_path = {}").format(psycopg.sql.Identifier(workspace.schema)))
        owner.execute(
            "INSERT INTO ledger_period (id, starts_at, ends_at, state) VALUES (%s, %s, %s, 'closed')",
            [ids.new_uuid(), datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)],
        )
        owner.commit()


@pytest.mark.parametrize(("ask", "status", "code", "numbers"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_it_is_refused_with_its_numbers_and_changes_nothing(
    scene: Scene, workspace: TenantRef, writes: Writes, ask: Ask, status: int, code: str, numbers: dict[str, Any]
) -> None:
    path, body = ask(scene)
    before = everything(workspace)
    writes.note()

    answer = scene.http.post(path, json=body | {"idempotency_key": f"refused_{secrets.token_hex(4)}"})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert {name: ... if numbers[name] is ... else problem[name] for name in numbers if name in problem} == numbers
    assert f"`{code}`" in error_pages.PATH.read_text(encoding="utf-8")
    assert everything(workspace) == before
    assert writes.new_rows() == {}
    assert writes.new_types() == {"ingress.refused": 1}


@pytest.mark.parametrize("amount", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"0x10", b"1_000"])
def test_what_is_no_number_of_json_is_no_amount(
    scene: Scene, workspace: TenantRef, writes: Writes, amount: bytes
) -> None:
    before = everything(workspace)
    writes.note()
    content = b'{"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": %s}' % amount

    answer = scene.http.post("/ledger-entries", content=content, headers={"Content-Type": "application/json"})

    assert answer.json()["code"] in {"malformed_json", "invalid_amount"}, answer.text
    assert everything(workspace) == before
    assert writes.new_types() == {"ingress.refused": 1}


def test_a_refused_dry_run_writes_not_even_that(scene: Scene, workspace: TenantRef, writes: Writes) -> None:
    before = everything(workspace)
    writes.note()

    answer = scene.http.post("/ledger-entries?dry_run=true", json=PAIR | {"debit": scene.wallet, "amount_minor": 401})

    assert answer.json()["code"] == "insufficient_funds"
    assert everything(workspace) == before
    assert writes.new_events() == []
