"""``/runtime/intents``: the first call. What a customer wants to happen with money, and where that stands."""

import threading
import time
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from evidence import catalogue
from evidence.queries import timeline
from evidence.types import RecordedEvent
from zentra.api import idempotency, pagination
from zentra.api.auth import Caller, check_scope
from zentra.api.doors import answer_json, answer_write, caller_of, door, key_of, preferred_wait, write
from zentra.api.end_users import check_intent, check_movement, operation_of, show_intent_to
from zentra.api.fields import (
    LEDGER_CURRENCY,
    AmountMinor,
    AnyCurrency,
    Body,
    IdempotencyKey,
    IntentId,
    Maybe,
    Metadata,
    Reference,
)
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.problems import ConflictingFields, MissingField
from zentra.api.v1.answers import IntentAnswer, IntentPage, TimelineAnswer
from zentra.api.v1.event_answers import show_event
from zentra.api.v1.intent_answers import MONEY_MODEL, PRIMITIVES, show_intent, show_path
from zentra.core.idempotency.operations import Answer
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.runtime.kinds import KINDS
from zentra.runtime.operations import create_intent, note_replay
from zentra.runtime.queries import get_intent, get_path, list_intents
from zentra.runtime.states import Status
from zentra.runtime.types import CreateIntent, IntentRecord
from zentra.tenants.permissions import Permission

router = Router(tags=["Runtime"])

ROUTE: Final = "/v1/runtime/intents"
OPERATION: Final = "runtime.intents.create"
# How often a waiting request looks: soon at first, then slower, since most intents end within a second.
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 0.4
# A waiting request holds a thread. When this many of a process wait, the next is answered at once, which the
# preference allows (RFC 7240): nobody can occupy the API by waiting.
_MOST_WAITING: Final = 4
_waiting = threading.BoundedSemaphore(_MOST_WAITING)
_MOVEMENT: Final = frozenset(
    {"kind", "amount_minor", "currency", "debit_account", "credit_account", "payee", "corridor"}
)


def _check_money_model(value: str) -> str:
    if value != MONEY_MODEL:
        raise PydanticCustomError("unknown_money_model", "must be {only}", {"only": MONEY_MODEL})
    return value


def _check_primitive(value: str) -> str:
    if value not in PRIMITIVES:
        raise PydanticCustomError("unknown_primitive", "must be one of {names}", {"names": ", ".join(PRIMITIVES)})
    return value


def _check_kind(value: str) -> str:
    if value not in KINDS:
        raise PydanticCustomError("unknown_kind", "must be one of {names}", {"names": ", ".join(sorted(KINDS))})
    return value


MoneyModel = Annotated[
    str, AfterValidator(_check_money_model), WithJsonSchema({"type": "string", "const": MONEY_MODEL})
]
Primitive = Annotated[
    str, AfterValidator(_check_primitive), WithJsonSchema({"type": "string", "enum": list(PRIMITIVES)})
]
Kind = Annotated[str, AfterValidator(_check_kind), WithJsonSchema({"type": "string", "enum": sorted(KINDS)})]


class CorridorBody(Body):
    """Where the money comes from, where it goes, and by which method."""

    source: Reference
    destination: Reference
    method: Reference


class CreateIntentBody(Body):
    """An intent. Without a movement (kind, amount, currency, …) a sandbox runs the rehearsal movement."""

    intent_id: Maybe[IntentId] = None
    scope: Maybe[Reference] = None
    money_model: Maybe[MoneyModel] = None
    primitives: Maybe[Annotated[list[Primitive], Field(max_length=32)]] = None
    kind: Maybe[Kind] = None
    amount_minor: Maybe[AmountMinor] = None
    currency: Maybe[AnyCurrency] = None
    debit_account: Maybe[Reference] = None
    credit_account: Maybe[Reference] = None
    payee: Maybe[Reference] = None
    corridor: Maybe[CorridorBody] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router,
    "POST",
    "/runtime/intents",
    permission=Permission.INTENTS_CREATE,
    response={201: IntentAnswer},
    end_user=True,
)
def create(request: HttpRequest, body: CreateIntentBody) -> HttpResponse:
    """Create an intent and run it up to ``ledgered``, in one transaction.

    ``Prefer: wait=N`` (at most 30 seconds) answers once it is evidenced or that time is up.
    """
    caller = caller_of(request)
    said = body.model_dump(exclude_unset=True)
    if body.scope is not None:
        check_scope(caller, body.scope)
    _check_movement(body, said)

    def effect(tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        command = _command(body, tenant, key_of(request))
        check_movement(caller, said, currency=command.currency or tenant.ledger_currency)
        created = create_intent(command=command, actor=caller.actor, ws=tenant, now=now)
        return 201, show_intent_to(caller, show_intent(created.intent, path=created.path, tenant=tenant))

    def on_repeat(first: Answer, key: str, now: datetime) -> None:
        note_replay(intent_id=_intent_id_of(first), key=key, actor=caller.actor, now=now)

    answer = write(
        request, operation=operation_of(caller, OPERATION), route=ROUTE, body=said, effect=effect, on_repeat=on_repeat
    )
    response = answer_write(answer)
    seconds = preferred_wait(request)
    if seconds and _waiting.acquire(blocking=False):
        # What is stored is the answer at the commit; what is sent is the answer after waiting.
        try:
            response.content = idempotency.dump(_wait(caller, _intent_id_of(answer), seconds=seconds))
        finally:
            _waiting.release()
        response["Preference-Applied"] = f"wait={seconds}"
    return response


def _intent_id_of(answer: Answer) -> str:
    return str(orjson.loads(answer.body)["intent_id"])


def _check_movement(body: CreateIntentBody, said: dict[str, Any]) -> None:
    """A movement is named whole or not at all; raises MissingField, ConflictingFields."""
    if _MOVEMENT.isdisjoint(said):
        return
    for name in ("amount_minor", "currency"):
        if name not in said:
            raise MissingField(f"/{name}", "is needed as soon as a movement is named")
    if body.payee is not None and body.credit_account is not None:
        raise ConflictingFields("/payee", "cannot stand beside credit_account")


def _command(body: CreateIntentBody, tenant: TenantRef, key: str | None) -> CreateIntent:
    currency = tenant.ledger_currency if body.currency == LEDGER_CURRENCY else body.currency
    return CreateIntent(
        intent_id=body.intent_id,
        kind=body.kind or "payment",
        amount_minor=body.amount_minor,
        currency=currency,
        debit_account=body.debit_account,
        credit_account=body.credit_account,
        payee=body.payee,
        corridor=body.corridor.model_dump() if body.corridor else {},
        metadata=body.metadata or {},
        primitives=tuple(dict.fromkeys(body.primitives or PRIMITIVES)),
        idempotency_key=key or "",
    )


def _wait(caller: Caller, intent_id: str, *, seconds: int) -> dict[str, Any]:
    """Look until nothing more is to be expected or the time is up; neither transaction nor connection is held."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        with tenant_work(caller.tenant) as tenant:
            intent = get_intent(intent_id=intent_id)
            if _has_rested(intent) or time.monotonic() + pause > deadline:
                return show_intent_to(caller, show_intent(intent, path=get_path(intent_id=intent_id), tenant=tenant))
        if not connection.in_atomic_block:
            connection.close()  # back to the pool, which has fewer of them than there may be waiting requests
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)


def _has_rested(intent: IntentRecord) -> bool:
    """Whether waiting on is pointless: it ended and is sealed, or a person has to decide first."""
    is_sealed = intent.final_state is not None and intent.audit_packet == "ready"
    return is_sealed or intent.status == Status.REVIEW


@door(router, "GET", "/runtime/intents", permission=Permission.INTENTS_READ, response=IntentPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    status: Annotated[Status | None, Query(description="Only intents in this state.")] = None,
) -> HttpResponse:
    """Intents as they stand, newest first."""
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="intents", workspace_id=tenant.id)
    with tenant_work(tenant):
        found = list_intents(limit=limit + 1, before=before, statuses=[status] if status else ())
    page = pagination.build_page(
        found,
        limit=limit,
        listing="intents",
        workspace_id=tenant.id,
        position=lambda intent: (intent.created_at, intent.id),
        show=lambda intent: show_intent(intent, path=None, tenant=tenant),
    )
    return answer_json(page)


@door(
    router,
    "GET",
    "/runtime/intents/{intent_id}",
    permission=Permission.INTENTS_READ,
    response=IntentAnswer,
    end_user=True,
)
def get(request: HttpRequest, intent_id: str) -> HttpResponse:
    """One intent as it stands now."""
    caller = caller_of(request)
    with tenant_work(caller.tenant) as tenant:
        intent, path = get_intent(intent_id=intent_id), get_path(intent_id=intent_id)
        check_intent(caller, intent)
    return answer_json(show_intent_to(caller, show_intent(intent, path=path, tenant=tenant)))


@door(
    router, "GET", "/runtime/intents/{intent_id}/timeline", permission=Permission.INTENTS_READ, response=TimelineAnswer
)
def get_timeline(request: HttpRequest, intent_id: str) -> HttpResponse:
    """Every recorded event of one intent, oldest first."""
    with tenant_work(caller_of(request).tenant):
        intent, path = get_intent(intent_id=intent_id), get_path(intent_id=intent_id)
        events = timeline(intent_id=intent_id)
    return answer_json(
        {
            "object": "timeline",
            "intent_id": intent_id,
            "status": intent.status,
            "path": show_path(path),
            "data": _show_timeline(events),
        }
    )


def _show_timeline(events: list[RecordedEvent]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    before: datetime | None = None
    for event in events:
        body = show_event(event)
        kind = catalogue.describe(event.type)
        moment = datetime.fromisoformat(body["occurred_at"])
        shown.append(
            {
                "id": event.id,
                "type": event.type,
                "announced_as": list(event.announced_as),
                "title": kind.title,
                "stage": kind.stage,
                "occurred_at": body["occurred_at"],
                "delta_ms": int((moment - before).total_seconds() * 1000) if before else 0,
                "actor": body["actor"],
                "trace_id": event.trace_id,
                "sequence": event.index,
                "data": body["data"],
            }
        )
        before = moment
    return shown
