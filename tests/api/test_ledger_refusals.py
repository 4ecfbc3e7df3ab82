"""Every refusal of the ledger has its own code and the numbers that explain it, and leaves everything as it was."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests import workspaces
from tests.api.ledger_of_writes import Writes
from zentra.api import error_pages
from zentra.core import ids, schema
from zentra.core.tenancy import TenantRef, tenant_work

PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}
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


@dataclass
class Scene:
    """What stands before each refusal."""

    http: httpx.Client
    wallet: str
    full: str
    frozen: str
    closed: str
    euros: str
    posting: str
    part: str
    reversed: str
    reversal: str
    hold: str
    ended: str


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


def entries(*said: tuple[str, str, int], **more: Any) -> dict[str, Any]:
    return {"entries": [{"account": a, "direction": d, "amount_minor": n} for a, d, n in said], **more}


C, R = "customer_balance", "reserved_balance"
LATER = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
Ask = Callable[[Scene], tuple[str, dict[str, Any]]]


def posting(body: dict[str, Any]) -> Ask:
    return lambda _: ("/ledger-entries", body)


CASES: list[tuple[str, Ask, int, str, dict[str, Any]]] = [
    ("unbalanced", posting(entries((C, "debit", 100), (R, "credit", 90))), 422, "unbalanced_posting",
     {"currency": "USD", "debits_minor": 100, "credits_minor": 90}),
    ("empty", posting({"entries": []}), 422, "empty_posting", {"entries": 0}),
    ("single entry", posting(entries((C, "debit", 100))), 422, "incomplete_posting", {"entries": 1}),
    ("zero", posting(PAIR | {"amount_minor": 0}), 422, "invalid_amount", {}),
    ("zero entry", posting(entries((C, "debit", 0), (R, "credit", 0))), 422, "invalid_amount", {}),
    ("negative", posting(PAIR | {"amount_minor": -5}), 422, "invalid_amount", {}),
    ("float", posting(entries((C, "debit", 1.5), (R, "credit", 1.5))), 422, "invalid_amount", {}),  # type: ignore[arg-type]
    ("whole float", posting(PAIR | {"amount_minor": 100.0}), 422, "invalid_amount", {}),
    ("text", posting(PAIR | {"amount_minor": "100"}), 422, "invalid_amount", {}),
    ("too large", posting(PAIR | {"amount_minor": 2**53}), 422, "invalid_amount", {}),
    ("mixed currency", posting({"entries": [
        {"account": C, "direction": "debit", "amount_minor": 100, "currency": "USD"},
        {"account": R, "direction": "credit", "amount_minor": 100, "currency": "EUR"}]}), 422, "unbalanced_posting",
     {"currency": "USD", "debits_minor": 100, "credits_minor": 0}),
    ("another currency than the account's", lambda s: ("/ledger-entries", {
        "debit": C, "credit": s.euros, "amount_minor": 100, "currency": "USD"}), 422, "currency_mismatch", {}),
    ("unknown account", posting(PAIR | {"credit": "nobody"}), 422, "unknown_account", {"account": "nobody"}),
    ("frozen account", lambda s: ("/ledger-entries", PAIR | {"credit": s.frozen}), 409, "account_frozen", {}),
    ("closed account", lambda s: ("/ledger-entries", PAIR | {"credit": s.closed}), 409, "account_closed", {}),
    ("insufficient funds", lambda s: ("/ledger-entries", {"debit": s.wallet, "credit": R, "amount_minor": 401}), 409,
     "insufficient_funds", {"available_minor": 400, "floor_minor": 0, "required_minor": 401, "missing_minor": 1}),
    ("ceiling", lambda s: ("/ledger-entries", PAIR | {"credit": s.full, "amount_minor": 51}), 409,
     "balance_limit_exceeded", {"ceiling_minor": 50}),
    ("floor of the request", lambda s: ("/ledger-entries", {"entries": [
        {"account": s.wallet, "direction": "debit", "amount_minor": 100, "floor_minor": 350},
        {"account": R, "direction": "credit", "amount_minor": 100}]}), 409, "balance_condition_failed",
     {"metric": "available", "balance_minor": 300, "at_least_minor": 350}),
    ("condition", lambda s: ("/ledger-entries", {"entries": [
        {"account": s.wallet, "direction": "credit", "amount_minor": 100,
         "conditions": {"posted_minor": {"lte": 599}}},
        {"account": R, "direction": "debit", "amount_minor": 100}]}), 409, "balance_condition_failed",
     {"metric": "posted", "balance_minor": 600, "at_most_minor": 599}),
    ("stale version", lambda s: ("/ledger-entries", {"entries": [
        {"account": s.wallet, "direction": "debit", "amount_minor": 1, "lock_version": 1},
        {"account": R, "direction": "credit", "amount_minor": 1}]}), 409, "stale_account_version",
     {"lock_version": 1, "version": 4}),
    ("future", posting(PAIR | {"effective_at": LATER}), 422, "effective_in_future", {}),
    ("no zone", posting(PAIR | {"effective_at": "2026-01-01T00:00:00"}), 422, "bad_format", {}),
    ("closed period", posting(PAIR | {"effective_at": "2020-01-15T00:00:00Z"}), 409, "period_closed", {}),
    ("over-capture", lambda s: (f"/holds/{s.hold}/capture", {"amount_minor": 101}), 409, "over_capture",
     {"asked_minor": 101, "remaining_minor": 100, "held_minor": 100, "captured_minor": 0}),
    ("over-release", lambda s: (f"/holds/{s.hold}/release", {"amount_minor": 101, "reason": "x"}), 409, "over_release",
     {"asked_minor": 101, "remaining_minor": 100}),
    ("double release", lambda s: (f"/holds/{s.ended}/release", {"reason": "again"}), 409, "hold_closed",
     {"state": "released", "released_minor": 100}),
    ("capture of what ended", lambda s: (f"/holds/{s.ended}/capture", {}), 409, "hold_closed", {"state": "released"}),
    ("a hold beyond what is there", lambda s: ("/holds", {
        "account": s.wallet, "amount_minor": 401, "reference": "r", "source": "s"}), 409, "insufficient_funds", {}),
    ("a hold that ended before", lambda s: ("/holds", {
        "account": s.wallet, "amount_minor": 1, "reference": "r", "source": "s",
        "expires_at": "2020-01-01T00:00:00Z"}), 422, "invalid_hold", {}),
    ("reversal beyond", lambda s: (f"/postings/{s.part}/reverse", {"reason": "r", "amount_minor": 41}), 409,
     "over_reversal", {"remaining_minor": 40}),
    ("second reversal", lambda s: (f"/postings/{s.reversed}/reverse", {"reason": "r"}), 409, "already_reversed", {}),
    ("reversal of a reversal", lambda s: (f"/postings/{s.reversal}/reverse", {"reason": "r"}), 409,
     "reversal_of_reversal", {}),
    ("void of what is posted", lambda s: (f"/postings/{s.posting}/void", {"reason": "r"}), 409, "posting_not_pending",
     {"state": "posted"}),
    ("closing with money", lambda s: (f"/accounts/{s.wallet}/close", {"reason": "r"}), 409, "account_not_empty", {}),
    ("no reason", lambda s: (f"/accounts/{s.wallet}/freeze", {"reason": "  "}), 422, "bad_format", {}),
    ("limits of a hot account", lambda _: (f"/accounts/{R}/limits", {
        "floor_minor": 0, "ceiling_minor": None, "reason": "r"}), 409, "limits_not_allowed", {}),
    ("both forms", posting(PAIR | {"entries": []}), 422, "conflicting_fields", {}),
    ("half a form", posting({"debit": C, "amount_minor": 1}), 422, "missing_field", {}),
    ("pending without a reference", posting(PAIR | {"pending": True, "source": "s"}), 422, "missing_field", {}),
    ("pending with a date", posting(PAIR | {"pending": True, "source": "s", "reference": "r", "effective_at": LATER}),
     422, "conflicting_fields", {}),
    ("a rate as a float", posting(PAIR | {"fx": {"base": "EUR", "quote": "USD", "rate": 1.1, "source": "ecb"}}), 422,
     "wrong_type", {}),
    ("a rate of other currencies", posting(PAIR | {"fx": {"base": "EUR", "quote": "USD", "rate": "1.1",
                                                          "source": "ecb"}}), 422, "invalid_rate", {}),
    ("a batch of nothing", lambda _: ("/ledger-entries/batch", {"mode": "each", "entries": []}), 422, "bad_length", {}),
    ("a batch that is refused", lambda _: ("/ledger-entries/batch", {
        "mode": "all_or_nothing", "entries": [PAIR, PAIR | {"credit": "nobody"}]}), 409, "batch_refused",
     {"index": 1, "refused_code": "unknown_account"}),
]  # fmt: skip


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
    assert {name: problem.get(name) for name in numbers} == numbers
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
