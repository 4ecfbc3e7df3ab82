"""``/accounts/{account}/…``: freezing, closing and the limits of an account. Each says why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from ninja import Router

from ledger.operations import close_account, freeze_account, set_limits, unfreeze_account
from ledger.queries import get_balances
from ledger.types import AccountRecord
from zentra.api.doors import answer_write, caller_of, door, words_of, write
from zentra.api.fields import Body, IdempotencyKey, Maybe, Reason, ReasonBody, SignedMinor
from zentra.api.v1.account_answers import account_of_path, show_account
from zentra.api.v1.accounts import ROUTE
from zentra.api.v1.answers import AccountAnswer
from zentra.core.actors import Actor
from zentra.tenants.permissions import Permission

router = Router(tags=["Accounts"])


class LimitsBody(Body):
    """The least available and the highest balance in minor units; null is no limit. Both are said each time."""

    floor_minor: SignedMinor | None
    ceiling_minor: SignedMinor | None
    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class StateChange(Protocol):
    """An operation that changes an account's state."""

    def __call__(self, *, account_id: str, reason: str, actor: Actor, now: datetime) -> AccountRecord: ...


@door(
    router, "POST", "/accounts/{account}/freeze", permission=Permission.ACCOUNTS_FREEZE, response={200: AccountAnswer}
)
def freeze(request: HttpRequest, account: str, body: ReasonBody) -> HttpResponse:
    """Lock an account for investigation: nothing posts to it; what is held on it may still be given back."""
    return _change_state(request, account, body, word="freeze", event="account.frozen", change=freeze_account)


@door(
    router, "POST", "/accounts/{account}/unfreeze", permission=Permission.ACCOUNTS_FREEZE, response={200: AccountAnswer}
)
def unfreeze(request: HttpRequest, account: str, body: ReasonBody) -> HttpResponse:
    """Allow postings to an account again."""
    return _change_state(request, account, body, word="unfreeze", event="account.unfrozen", change=unfreeze_account)


@door(router, "POST", "/accounts/{account}/close", permission=Permission.ACCOUNTS_MANAGE, response={200: AccountAnswer})
def close(request: HttpRequest, account: str, body: ReasonBody) -> HttpResponse:
    """Close an account for good. Nothing may be posted or pending on it."""
    return _change_state(request, account, body, word="close", event="account.closed", change=close_account)


@door(
    router, "POST", "/accounts/{account}/limits", permission=Permission.ACCOUNTS_MANAGE, response={200: AccountAnswer}
)
def limits(request: HttpRequest, account: str, body: LimitsBody) -> HttpResponse:
    """Set the least available and the highest balance of an account, pending included; for what comes from now on."""
    actor = caller_of(request).actor

    def change(account_id: str, now: datetime) -> AccountRecord:
        return set_limits(
            account_id=account_id,
            floor_minor=body.floor_minor,
            ceiling_minor=body.ceiling_minor,
            reason=body.reason,
            actor=actor,
            now=now,
        )

    return _write(request, account, body, word="limits", event="account.limits_changed", change=change)


def _change_state(
    request: HttpRequest, account: str, body: ReasonBody, *, word: str, event: str, change: StateChange
) -> HttpResponse:
    actor = caller_of(request).actor

    def changed(account_id: str, now: datetime) -> AccountRecord:
        return change(account_id=account_id, reason=body.reason, actor=actor, now=now)

    return _write(request, account, body, word=word, event=event, change=changed)


def _write(
    request: HttpRequest,
    ref: str,
    body: Body,
    *,
    word: str,
    event: str,
    change: Callable[[str, datetime], AccountRecord],
) -> HttpResponse:
    def effect(_tenant: object, now: datetime) -> tuple[int, dict[str, Any]]:
        account = change(account_of_path(ref).id, now)
        return 200, show_account(account, get_balances(account=account), event=event)

    answer = write(
        request, operation=f"accounts.{word}", route=f"{ROUTE}/{ref}/{word}", body=words_of(body), effect=effect
    )
    return answer_write(answer)
