"""``/accounts``: ledger accounts and what they hold."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from evidence.operations import record_events
from evidence.types import NewEvent
from ledger.operations import account_created_event, change_account, open_account
from ledger.queries import find_category, get_balances, list_accounts, list_balances
from ledger.types import ACCOUNT_TYPES
from zentra.api import pagination
from zentra.api.doors import answer_json, answer_write, caller_of, door, words_of, write
from zentra.api.end_users import check_account, show_account_to
from zentra.api.fields import (
    LEDGER_CURRENCY,
    AnyCurrency,
    Body,
    IdempotencyKey,
    Maybe,
    Metadata,
    Reference,
    SignedMinor,
    Text,
)
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.account_answers import account_of_path, show_account
from zentra.api.v1.answers import AccountAnswer, AccountPage
from zentra.core import telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work
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
    category: Maybe[Reference] = None
    floor_minor: SignedMinor | None = None
    ceiling_minor: Maybe[SignedMinor] = None
    sequencing: Maybe[Literal["immediate", "deferred"]] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ChangeAccountBody(Body):
    """What describes an account; what is left out stays. Code, type, currency and sequencing never change."""

    name: Maybe[Text] = None
    customer: Maybe[Reference] = None
    external_id: Maybe[Reference] = None
    category: Maybe[Reference] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/accounts", permission=Permission.ACCOUNTS_CREATE, response={201: AccountAnswer})
def create(request: HttpRequest, body: CreateAccountBody) -> HttpResponse:
    """Open an account. Its code is its id unless one is given; ``ledger_currency`` is the workspace's own.

    A ``floor_minor`` of null means no floor; left out, it is what goes with the account type.
    """
    actor = caller_of(request).actor
    answer = write(
        request,
        operation="accounts.create",
        route=ROUTE,
        body=words_of(body),
        effect=lambda tenant, now: (201, _open(body, tenant=tenant, actor=actor, now=now)),
    )
    return answer_write(answer)


def _open(body: CreateAccountBody, *, tenant: TenantRef, actor: Actor, now: datetime) -> dict[str, Any]:
    floor = {"floor_minor": body.floor_minor} if "floor_minor" in body.model_fields_set else {}
    account = open_account(
        account_type=body.account_type,
        currency=tenant.ledger_currency if body.currency == LEDGER_CURRENCY else body.currency,
        customer=body.customer,
        code=body.code,
        name=body.name or "",
        external_id=body.external_id,
        category_id=None if body.category is None else find_category(ref=body.category).id,
        sequencing=body.sequencing,
        ceiling_minor=body.ceiling_minor,
        metadata=body.metadata,
        actor=actor,
        now=now,
        **floor,
    )
    record_events(events=[account_created_event(account=account, actor=actor)], now=now)
    return show_account(account, get_balances(account=account))


@door(router, "GET", "/accounts", permission=Permission.ACCOUNTS_READ, response=AccountPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    currency: Annotated[str | None, Query()] = None,
    account_type: Annotated[str | None, Query()] = None,
    customer: Annotated[str | None, Query()] = None,
    state: Annotated[Literal["active", "frozen", "closed"] | None, Query()] = None,
    type: Annotated[  # noqa: A002  # the answer's own name
        Literal["asset", "liability", "equity", "income", "expense"] | None, Query()
    ] = None,
    category: Annotated[str | None, Query(description="A category's id or code; those below it count.")] = None,
    q: Annotated[
        str | None, Query(max_length=128, description="How a code, name, customer or external id begins.")
    ] = None,
) -> HttpResponse:
    """Accounts with their balances, newest first."""
    tenant = caller_of(request).tenant
    before = pagination.read_cursor(cursor, listing="accounts", workspace_id=tenant.id)
    with tenant_work(tenant):
        found = list_accounts(
            limit=limit + 1,
            before=before,
            currency=currency,
            account_type=account_type,
            customer=customer,
            state=state,
            account_class=type,
            category_id=None if category is None else find_category(ref=category).id,
            text=q,
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


@door(router, "GET", "/accounts/{account}", permission=Permission.ACCOUNTS_READ, response=AccountAnswer, end_user=True)
def get(request: HttpRequest, account: str) -> HttpResponse:
    """One account with its balances, by id or by code."""
    caller = caller_of(request)
    with tenant_work(caller.tenant):
        found = account_of_path(account)
        check_account(caller, found, ref=account)
        document = show_account(found, get_balances(account=found))
    return answer_json(show_account_to(caller, document))


@door(router, "PATCH", "/accounts/{account}", permission=Permission.ACCOUNTS_MANAGE, response=AccountAnswer)
def change(request: HttpRequest, account: str, body: ChangeAccountBody) -> HttpResponse:
    """Describe an account anew: name, customer, external id, category, metadata."""
    actor = caller_of(request).actor
    answer = write(
        request,
        operation="accounts.change",
        route=f"{ROUTE}/{account}",
        body=words_of(body),
        effect=lambda _tenant, now: (200, _change(account, body, actor=actor, now=now)),
    )
    return answer_write(answer)


def _change(ref: str, body: ChangeAccountBody, *, actor: Actor, now: datetime) -> dict[str, Any]:
    account = change_account(
        account_id=account_of_path(ref).id,
        name=body.name,
        customer=body.customer,
        external_id=body.external_id,
        category_id=None if body.category is None else find_category(ref=body.category).id,
        metadata=body.metadata,
        now=now,
    )
    # Which fields, and not what they say: a leaf is for ever, and a name or customer may be a person's.
    fields = sorted(body.model_fields_set - {"idempotency_key"})
    facts: dict[str, object] = {"account_id": account.id, "fields": fields}
    record_events(events=[NewEvent("account.changed", actor, facts, trace_id=telemetry.trace_id())], now=now)
    return show_account(account, get_balances(account=account), event="account.changed")
