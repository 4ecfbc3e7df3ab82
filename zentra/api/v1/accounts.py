"""``/accounts``: ledger accounts and what they hold."""

from datetime import datetime
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.errors import AccountNotFound, UnknownAccount
from ledger.operations import open_account
from ledger.queries import find_account, get_account, get_balances, list_accounts, list_balances
from ledger.queries.accounts import is_account_id
from ledger.types import ACCOUNT_TYPES, AccountRecord, Balances
from zentra.api import pagination
from zentra.api.doors import answer_json, answer_write, caller_of, door, write
from zentra.api.fields import LEDGER_CURRENCY, AnyCurrency, Body, IdempotencyKey, Maybe, Metadata, Reference, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.answers import AccountAnswer, AccountPage, BalancesAnswer
from zentra.core import clock, telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, current_tenant, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Accounts"])

ROUTE: Final = "/v1/accounts"
_TYPES: Final = sorted(word for word, kind in ACCOUNT_TYPES.items() if kind.opened_by_callers)


def _check_account_type(value: str) -> str:
    if value not in _TYPES:
        raise PydanticCustomError("unknown_account_type", "must be one of {words}", {"words": ", ".join(_TYPES)})
    return value


AccountType = Annotated[str, AfterValidator(_check_account_type), WithJsonSchema({"type": "string", "enum": _TYPES})]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]


class CreateAccountBody(Body):
    """An account of a customer. ``account_type`` fixes its accounting class and normal balance."""

    customer: Reference
    currency: AnyCurrency
    account_type: AccountType
    code: Maybe[Code] = None
    name: Maybe[Text] = None
    external_id: Maybe[Reference] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/accounts", permission=Permission.ACCOUNTS_CREATE, response={201: AccountAnswer})
def create(request: HttpRequest, body: CreateAccountBody) -> HttpResponse:
    """Open an account. Its code is its id unless one is given; ``ledger_currency`` is the workspace's own."""
    actor = caller_of(request).actor
    answer = write(
        request,
        operation="accounts.create",
        route=ROUTE,
        body=body.model_dump(exclude_unset=True),
        effect=lambda tenant, now: (201, _open(body, tenant=tenant, actor=actor, now=now)),
    )
    return answer_write(answer)


def _open(body: CreateAccountBody, *, tenant: TenantRef, actor: Actor, now: datetime) -> dict[str, Any]:
    account = open_account(
        account_type=body.account_type,
        currency=tenant.ledger_currency if body.currency == LEDGER_CURRENCY else body.currency,
        customer=body.customer,
        code=body.code,
        name=body.name or "",
        external_id=body.external_id,
        metadata=body.metadata,
        actor=actor,
        now=now,
    )
    # Ids and words only: a leaf is for ever, and a customer's reference may be a person's.
    facts: dict[str, object] = {
        "account_id": account.id,
        "account_type": account.account_type,
        "type": account.type,
        "normal_balance": account.normal_balance,
        "currency": account.currency,
    }
    record_events(events=[NewEvent("account.created", actor, facts, trace_id=telemetry.trace_id())], now=now)
    return show_account(account, get_balances(account=account))


@door(router, "GET", "/accounts", permission=Permission.ACCOUNTS_READ, response=AccountPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    currency: Annotated[str | None, Query()] = None,
    account_type: Annotated[str | None, Query()] = None,
    customer: Annotated[str | None, Query()] = None,
) -> HttpResponse:
    """Accounts with their balances, newest first."""
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="accounts", workspace_id=tenant.id)
    with tenant_work(tenant):
        found = list_accounts(
            limit=limit + 1, before=before, currency=currency, account_type=account_type, customer=customer
        )
        balances = list_balances(account_ids=[account.id for account in found])
        page = pagination.build_page(
            found,
            limit=limit,
            listing="accounts",
            workspace_id=tenant.id,
            position=lambda account: (account.created_at, account.id),
            show=lambda account: show_account(account, balances[account.id]),
        )
    return answer_json(page)


@door(router, "GET", "/accounts/{account}", permission=Permission.ACCOUNTS_READ, response=AccountAnswer)
def get(request: HttpRequest, account: str) -> HttpResponse:
    """One account with its balances, by id or by code."""
    with tenant_work(caller_of(request).tenant):
        found = _find(account)
        document = show_account(found, get_balances(account=found))
    return answer_json(document)


@door(router, "GET", "/accounts/{account}/balances", permission=Permission.ACCOUNTS_READ, response=BalancesAnswer)
def balances(request: HttpRequest, account: str) -> HttpResponse:
    """What an account holds now: posted, pending and available, in minor units."""
    with tenant_work(caller_of(request).tenant):
        found = get_balances(account=_find(account))
    return answer_json(show_balances(found))


def _find(ref: str) -> AccountRecord:
    """The account of a path; what a body names and is not there is another error."""
    if is_account_id(ref):
        return get_account(account_id=ref)
    try:
        return find_account(ref=ref)
    except UnknownAccount as error:
        raise AccountNotFound(f"There is no account {ref[:80]}.") from error


def show_balances(held: Balances) -> dict[str, Any]:
    """Balances as the API answers them."""
    return {
        "posted_minor": held.posted_minor,
        "pending_minor": held.pending_minor,
        "available_minor": held.available_minor,
    }


def show_account(account: AccountRecord, held: Balances) -> dict[str, Any]:
    """An account as the API answers it."""
    return {
        "status": account.state,
        "event": "account.created",
        "evidence": {"account_id": account.id},
        "id": account.id,
        "object": "account",
        "code": account.code,
        "name": account.name,
        "account_type": account.account_type,
        "type": account.type,
        "normal_balance": account.normal_balance,
        "currency": account.currency,
        "customer": account.customer,
        "external_id": account.external_id,
        "floor_minor": account.floor_minor,
        "balances": show_balances(held),
        "workspace": current_tenant().slug,
        "created_at": clock.iso(account.created_at),
        "metadata": account.metadata,
    }
