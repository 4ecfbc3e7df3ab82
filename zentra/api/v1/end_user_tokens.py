"""``/end-user-tokens``: a token of minutes for one customer's web or mobile app, made by the customer's server."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, Field

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import AccountNotFound
from ledger.queries import list_accounts
from ledger.types import AccountRecord
from zentra.api.auth import Caller
from zentra.api.auth.tokens import audience, issuer
from zentra.api.doors import answer_once, caller_of, door
from zentra.api.fields import AmountMinor, Body, IdempotencyKey, Maybe, Reference
from zentra.api.oauth import sign
from zentra.api.v1.account_answers import account_of_path
from zentra.core import clock, ids, telemetry
from zentra.tenants.access import PermissionDenied
from zentra.tenants.permissions import Permission
from zentra.tenants.services.errors import InvalidEndUser
from zentra.tenants.services.tokens import END_USER_TYPE

router = Router(tags=["OAuth"])

DEFAULT_SECONDS: Final = 300
MOST_SECONDS: Final = 900
MOST_ACCOUNTS: Final = 20
EndUserScope = Literal["accounts.read", "intents.read", "intents.create"]


class EndUserTokenBody(Body):
    """Whose app it is for, and what it may do there. Without ``accounts`` it sees all of the customer's."""

    customer: Annotated[Reference, Field(max_length=128)]
    channel: Literal["web", "mobile"]
    scopes: Annotated[list[EndUserScope], Field(min_length=1, max_length=3)]
    accounts: Maybe[Annotated[list[Reference], Field(min_length=1, max_length=MOST_ACCOUNTS)]] = None
    expires_in: Maybe[Annotated[int, Field(ge=60, le=MOST_SECONDS)]] = None
    max_amount_minor: Maybe[AmountMinor] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class EndUserTokenAnswer(BaseModel):
    """A token, answered this once. ``expires_in`` in seconds."""

    id: str
    object: Literal["end_user_token"]
    token: str
    token_type: Literal["Bearer"]
    expires_in: int
    expires_at: str
    customer: str
    channel: Literal["web", "mobile"]
    scopes: list[str]
    accounts: list[str]
    max_amount_minor: int | None


@door(
    router,
    "POST",
    "/end-user-tokens",
    permission=Permission.END_USERS_ISSUE,
    response={201: EndUserTokenAnswer},
    rate="token",
)
def create(request: HttpRequest, body: EndUserTokenBody) -> HttpResponse:
    """A token for one end user, at most 15 minutes, for that customer's own accounts and intents and nothing else."""
    caller = caller_of(request)

    def effect(now: datetime) -> dict[str, Any]:
        return _issue(caller, body, now=now)

    # Another credential's repeat is another request: the answer holds a token, which is for whoever asked first.
    operation = f"end_user_tokens.create.by.{caller.credential_id}"
    return answer_once(request, operation=operation, body=body, effect=effect, status=201, is_secret=True)


def _issue(caller: Caller, body: EndUserTokenBody, *, now: datetime) -> dict[str, Any]:
    scopes = sorted(set(body.scopes))
    beyond = sorted(set(scopes) - caller.scopes)
    if beyond:
        raise PermissionDenied(f"This credential lacks {', '.join(beyond)}, so its tokens do.", scope=beyond[0])
    accounts = sorted(each.id for each in _accounts(body))
    at, seconds, token_id = int(now.timestamp()), body.expires_in or DEFAULT_SECONDS, ids.new_id("eut")
    claims: dict[str, Any] = {
        "iss": issuer(), "aud": audience(), "sub": body.customer, "cred": caller.credential_id, "jti": token_id,
        "iat": at, "nbf": at, "exp": at + seconds, "scope": " ".join(scopes), "channel": body.channel,
        "workspace": ids.to_public("ws", caller.tenant.id), "accounts": accounts,
    }  # fmt: skip
    if caller.issued_by:
        claims["resp"] = caller.issued_by
    if body.max_amount_minor is not None:
        claims["max_amount_minor"] = body.max_amount_minor
    expires_at = clock.iso(now.replace(microsecond=0) + timedelta(seconds=seconds))
    facts: dict[str, Any] = {
        "token_id": token_id, "scopes": scopes, "channel": body.channel, "accounts": accounts,
        "max_amount_minor": body.max_amount_minor, "expires_at": expires_at,
    }  # fmt: skip
    record_events(
        events=[NewEvent("end_user_token.issued", caller.actor, facts, trace_id=telemetry.trace_id())], now=now
    )
    return {
        "id": token_id, "object": "end_user_token", "token": sign(kind=END_USER_TYPE, claims=claims, now=now),
        "token_type": "Bearer", "expires_in": seconds, "expires_at": expires_at, "customer": body.customer,
        "channel": body.channel, "scopes": scopes, "accounts": accounts, "max_amount_minor": body.max_amount_minor,
    }  # fmt: skip


def _accounts(body: EndUserTokenBody) -> list[AccountRecord]:
    """The accounts that it names, all of this customer's; raises InvalidEndUser."""
    if body.accounts is None:
        found = list_accounts(limit=MOST_ACCOUNTS + 1, customer=body.customer)
        if not found:
            raise InvalidEndUser("This customer has no account.")
        if len(found) > MOST_ACCOUNTS:
            raise InvalidEndUser(f"This customer has more than {MOST_ACCOUNTS} accounts; name those it is for.")
        return found
    named = [_account(ref) for ref in dict.fromkeys(body.accounts)]
    if any(each is None or each.customer != body.customer for each in named):
        raise InvalidEndUser("An account that it names is not this customer's.")
    return [each for each in named if each is not None]


def _account(ref: str) -> AccountRecord | None:
    try:
        return account_of_path(ref)
    except (AccountNotFound, ids.BadId):
        return None
