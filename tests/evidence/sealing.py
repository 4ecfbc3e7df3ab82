"""The sealer inside a test process: the same operations, under the sealer's own database role."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connections
from django.db.utils import load_backend

from evidence.operations import ensure_log, record_events, sequence_batch, sign_checkpoint
from evidence.types import Checkpoint, NewEvent
from zentra.core.actors import EDGE, EVIDENCE, LEDGER, POLICY, ROUTES
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.settings import parse_database_url

INTENT = "intent_042"


@contextmanager
def as_role(variable: str) -> Iterator[None]:
    """Let this thread's default connection be the role of ``ZENTRA_…_DATABASE_URL``."""
    usual = connections["default"]
    role = parse_database_url(variable)
    options = {name: value for name, value in usual.settings_dict["OPTIONS"].items() if name != "pool"}
    settings = {**usual.settings_dict, **role, "OPTIONS": {**options, **role["OPTIONS"]}}
    connections["default"] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = usual


@contextmanager
def as_sealer() -> Iterator[None]:
    """What `run_sealer` connects as."""
    with as_role("ZENTRA_SEALER_DATABASE_URL"):
        yield


def sequence(workspace: TenantRef) -> int:
    with as_sealer(), tenant_work(workspace):
        ensure_log(now=now())
        return sequence_batch(now=now()).count


def sign(workspace: TenantRef, *, at: datetime | None = None) -> Checkpoint | None:
    with as_sealer(), tenant_work(workspace):
        return sign_checkpoint(now=at or now())


def seal(workspace: TenantRef) -> Checkpoint | None:
    sequence(workspace)
    return sign(workspace)


def record(workspace: TenantRef, *events: NewEvent) -> list[str]:
    with tenant_work(workspace):
        return record_events(events=events, now=now())


def some_events(count: int) -> list[NewEvent]:
    return [NewEvent(type="account.created", actor=LEDGER, data={"number": number}) for number in range(count)]


def an_intents_events(intent_id: str = INTENT) -> list[NewEvent]:
    entries = [
        {"account_code": "customer_balance", "direction": "debit", "amount_minor": 125_000, "currency": "USD"},
        {"account_code": "reserved_balance", "direction": "credit", "amount_minor": 125_000, "currency": "USD"},
    ]
    posting = {"posting_id": "posting_1", "entry_hash": "9f2c", "purpose": "reserve", "entries": entries}
    comparison = {
        "amount_minor": 125_000,
        "provider_amount_minor": 125_000,
        "expected_minor": {"reserve": 125_000, "release": 0},
        "posted_minor": {"reserve": 125_000, "release": 0},
        "entries": 2,
        "sums_to_zero": True,
        "equal": True,
    }
    trace = "ab" * 16
    return [
        NewEvent("ingress.accepted", EDGE, {"idempotency_key": intent_id}, intent_id, trace),
        NewEvent("policy.accepted", POLICY, {"decision_id": "dec_1"}, intent_id, trace, ("limit.accepted",)),
        NewEvent("ledger.entry.posted", LEDGER, posting, intent_id, trace, ("posting.committed",)),
        NewEvent("callback.applied", ROUTES, {"callback_id": "cb_1"}, intent_id, trace),
        NewEvent("review.closed", EVIDENCE, {"comparison": comparison}, intent_id, trace),
    ]
