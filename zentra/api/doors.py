"""How an operation becomes an address: one permission, marked for the test that looks for doors without one and checked
by the key; one way to run a write once; one way to answer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Router
from pydantic import BaseModel

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.api import idempotency, pagination
from zentra.api.auth import ApiKey, Caller, RateClass
from zentra.api.problems import BadRequest
from zentra.api.retries import run_retried
from zentra.core import clock, telemetry
from zentra.core.idempotency.operations import Answer
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.access import PUBLIC, require
from zentra.tenants.permissions import Permission

LONGEST_WAIT_SECONDS: Final = 30
_STANDING: Final = (
    "posting_id", "posting_ids", "reversal_id", "hold_id", "account_id", "debit_account", "credit_account",
)  # fmt: skip
_WAIT: Final = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=[,;]|$)", re.IGNORECASE)

Row_co = TypeVar("Row_co", covariant=True)


class KeyedPage(Protocol[Row_co]):
    """Rows and the key of the last one, None on the last page."""

    @property
    def rows(self) -> Sequence[Row_co]:
        """The rows of this page."""

    @property
    def next_key(self) -> pagination.Position | None:
        """After which the next page starts."""


View = TypeVar("View", bound=Callable[..., HttpResponseBase])
Effect = Callable[[TenantRef, datetime], tuple[int, Mapping[str, Any]]]
Repeat = Callable[[Answer, str, datetime], None]
Row = TypeVar("Row")


def door(
    router: Router,
    method: str,
    path: str,
    *,
    permission: Permission,
    response: Any,
    rate: RateClass | None = None,
    end_user: bool = False,
    **options: Any,
) -> Callable[[View], View]:
    """Put a view on a router behind a credential that holds ``permission``.

    ``rate`` is the class whose limits count it; without it the method says read or write. With ``end_user`` the tokens
    of end users pass too: the view then looks at ``caller_of(request).end_user`` and keeps within it.
    """

    def put(view: View) -> View:
        require(permission)(view)
        key = ApiKey(permission, rate=rate, end_user=end_user)
        options.update(_named(view), auth=key, response=response, by_alias=True)
        router.api_operation([method], path, **options)(view)
        return view

    return put


def public_door(router: Router, method: str, path: str, **options: Any) -> Callable[[View], View]:
    """Put a view on a router for everyone: the contract itself, and callbacks that prove themselves by signature."""

    def put(view: View) -> View:
        require(PUBLIC)(view)
        router.api_operation([method], path, auth=None, **_named(view), **options)(view)
        return view

    return put


def _named(view: Callable[..., HttpResponseBase]) -> dict[str, Any]:
    """What the contract calls a view: ``intents.create``, and the first sentence of its docstring."""
    summary = (view.__doc__ or "").strip().partition("\n")[0]
    return {"operation_id": f"{view.__module__.rpartition('.')[2]}.{view.__name__}", "summary": summary}


def caller_of(request: HttpRequest) -> Caller:
    """The caller that the door's key proved."""
    caller: Caller = request.caller  # type: ignore[attr-defined]  # set by ApiKey
    return caller


def key_of(request: HttpRequest) -> str | None:
    """The idempotency key that ``write`` chose for this request."""
    key: str | None = getattr(request, "idempotency_key", None)
    return key


def write(
    request: HttpRequest,
    *,
    operation: str,
    route: str,
    body: Mapping[str, Any],
    effect: Effect,
    on_repeat: Repeat | None = None,
    is_secret: bool = False,
    is_intent: bool = True,
    takes_dry_run: bool = False,
) -> Answer:
    """Run a write once under its key, in one transaction of the caller's workspace, and keep that it was repeated.

    ``body`` is what the caller said. ``effect`` gets workspace and time and answers (status, document). ``on_repeat``
    records a repeat in place of the plain ``idempotency.replayed`` event; it gets the first answer, key and time.
    ``is_secret``: words or answer hold a secret; nothing of either is kept in clear.
    ``is_intent`` false: an ``intent_id`` in the body is no key.
    ``takes_dry_run``: the door reads ``dry_run`` itself; anywhere else a request that says it is refused, because
    whoever wants to see first must never be taken at their word.

    A transaction that PostgreSQL ends for the sake of another (a deadlock, a serialization failure) is run again as a
    whole, at most three times.

    Raises what ``effect`` raises, with nothing written; BadIdempotencyKey, IdempotencyKeyConflict,
    IdempotencyKeyReused, IdempotencyInFlight; BadRequest for a dry run that there is not.
    """
    if "dry_run" in request.GET and not takes_dry_run:
        raise BadRequest("There is no dry run of this request. Nothing was done.")
    caller = caller_of(request)
    key = idempotency.choose_key(
        header=request.headers.get("Idempotency-Key"),
        body_key=body.get("idempotency_key"),
        intent_id=body.get("intent_id") if is_intent else None,
    )
    request.idempotency_key = key  # type: ignore[attr-defined]  # for the record of a refusal

    def attempt() -> Answer:
        now = clock.now()
        with tenant_work(caller.tenant) as tenant:
            answer = idempotency.run(
                operation=operation,
                route=route,
                key=key,
                body=body,
                now=now,
                effect=lambda: effect(tenant, now),
                is_secret=is_secret,
                method=request.method or "POST",
            )
            if answer.replayed and key is not None:
                if on_repeat is None:
                    facts = {} if is_secret else what_stands(answer)
                    event = repeat_event(caller, operation=operation, key=key, facts=facts)
                    record_events(events=[event], now=now)
                else:
                    on_repeat(answer, key, now)
        return answer

    return run_retried(attempt)


def answer_once(
    request: HttpRequest,
    *,
    operation: str,
    body: BaseModel | Mapping[str, Any],
    effect: Callable[[datetime], Mapping[str, Any]],
    status: int = 200,
    is_secret: bool = False,
) -> HttpResponse:
    """``write``, for a door whose effect needs no more than the time and answers one status."""
    words = words_of(body) if isinstance(body, BaseModel) else body

    def answered(_tenant: TenantRef, now: datetime) -> tuple[int, Mapping[str, Any]]:
        return status, effect(now)

    return answer_write(
        write(request, operation=operation, route=request.path, body=words, effect=answered, is_secret=is_secret)
    )


def words_of(body: BaseModel) -> dict[str, Any]:
    """What the caller said, and nothing that they left out; moments as texts. The fingerprint covers this."""
    return body.model_dump(mode="json", exclude_unset=True)


def answer_write(answer: Answer) -> HttpResponse:
    """The stored bytes, marked when they were stored by an earlier request."""
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if answer.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def answer_json(document: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """A JSON answer."""
    return HttpResponse(idempotency.dump(document), status=status, content_type="application/json")


def answer_page(
    request: HttpRequest,
    *,
    listing: str,
    limit: int,
    cursor: str | None,
    read: Callable[[int, pagination.Position | None], Sequence[Row]],
    position: Callable[[Row], pagination.Position],
    show: Callable[[Row], dict[str, Any]],
) -> HttpResponse:
    """A page of a list of the caller's workspace; ``read`` is told how many rows, and after which position.

    Raises BadCursor, and what ``read`` raises.
    """
    tenant = caller_of(request).tenant
    after = pagination.read_cursor(cursor, listing=listing, workspace_id=tenant.id)
    with tenant_work(tenant):
        page = pagination.build_page(
            read(limit + 1, after), limit=limit, listing=listing, workspace_id=tenant.id, position=position, show=show
        )
    return answer_json(page)


def answer_keyed_page(
    request: HttpRequest,
    *,
    listing: str,
    cursor: str | None,
    read: Callable[[pagination.Position | None], KeyedPage[Row]],
    show: Callable[[Row], dict[str, Any]],
) -> HttpResponse:
    """A page of a list that says itself after which key the next one starts; raises BadCursor, and what it raises."""
    tenant = caller_of(request).tenant
    after = pagination.read_cursor(cursor, listing=listing, workspace_id=tenant.id)
    with tenant_work(tenant):
        page = read(after)
    key = page.next_key
    following = None if key is None else pagination.write_cursor(key, listing=listing, workspace_id=tenant.id)
    return answer_json(
        {"data": [show(row) for row in page.rows], "next_cursor": following, "has_more": following is not None}
    )


def preferred_wait(request: HttpRequest) -> int:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), at most 30; 0 when it is not asked for or not understood."""
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(match[1]), LONGEST_WAIT_SECONDS) if match else 0


def what_stands(answer: Answer) -> dict[str, object]:
    """What a first answer proves: the ids and the two accounts of its ``evidence``, where it has one."""
    evidence = orjson.loads(answer.body).get("evidence") or {}
    return {name: evidence[name] for name in _STANDING if name in evidence}


def repeat_event(caller: Caller, *, operation: str, key: str, facts: Mapping[str, object] | None = None) -> NewEvent:
    """Replay pressure is visible: each repeat is a fact with its key and its result, and moves nothing.

    ``facts`` names what stands: for a write to the ledger its posting and both accounts.
    """
    data: dict[str, Any] = {
        "operation": operation,
        "key": key,
        **(facts or {}),
        "result": "first answer returned",
        "mutations": 0,
    }
    return NewEvent(type="idempotency.replayed", actor=caller.actor, data=data, trace_id=telemetry.trace_id())
