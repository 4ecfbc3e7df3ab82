"""``/reconciliation/customer-money``: the daily proofs of customers' money. Read only: the worker makes them."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from zentra.api.doors import answer_page, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.core import clock
from zentra.reconciliation.closeout.money_types import MoneyProofRecord
from zentra.reconciliation.closeout.queries import list_money_proofs
from zentra.tenants.permissions import Permission

router = Router(tags=["Closeout"])


class MoneyProofPart(BaseModel):
    """An account's part in what is owed or held; with ``account_id`` null, so many smaller ones of a type together."""

    side: Literal["owed", "held"]
    account_type: str
    account_id: str | None
    account: str
    accounts: int
    amount_minor: int


class MoneyProofBank(BaseModel):
    """A bank account at the day's end: ``bank_minor`` is its statement's word, null where none covers the day."""

    account_id: str
    account: str
    ledger_minor: int
    bank_minor: int | None
    statement_id: str | None


class MoneyProofAnswer(BaseModel):
    """Customers' money of a business day in a currency: held − owed = difference; ``covered`` if not below 0."""

    id: str
    object: Literal["customer_money_proof"]
    business_day: str
    currency: str
    revision: int
    period_id: str
    owed_minor: int
    held_minor: int
    in_transit_minor: int
    difference_minor: int
    advanced_minor: int
    covered: bool
    bank_minor: int | None = Field(description="The banks' own word; null unless a statement of every bank says one.")
    bank_ledger_minor: int | None
    parts: list[MoneyProofPart]
    banks: list[MoneyProofBank]
    cut_off_at: str
    computed_at: str


class MoneyProofPage(BaseModel):
    """Proofs, the newest day first."""

    data: list[MoneyProofAnswer]
    next_cursor: str | None
    has_more: bool


@door(
    router, "GET", "/reconciliation/customer-money", permission=Permission.RECONCILIATION_READ, response=MoneyProofPage
)
def list_customer_money(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    first: Annotated[date | None, Query(alias="from", description="The first business day.")] = None,
    last: Annotated[date | None, Query(alias="to", description="The last business day, included.")] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
    revisions: Annotated[bool, Query(description="Also what stood before something came late for a day.")] = False,
) -> HttpResponse:
    """At the cut-off of each business day: what was owed to customers, and what was there for it."""

    def read(rows: int, before: Position | None) -> list[MoneyProofRecord]:
        return list_money_proofs(
            first=first, last=last, currency=currency, revisions=revisions, before=before, limit=rows
        )

    return answer_page(
        request,
        listing="reconciliation.customer_money",
        limit=limit,
        cursor=cursor,
        read=read,
        position=lambda record: (record.cut_off_at, record.id),
        show=show_proof,
    )


def show_proof(proof: MoneyProofRecord) -> dict[str, Any]:
    """A proof as the API answers it."""
    return {
        "id": proof.id,
        "object": "customer_money_proof",
        "business_day": proof.business_day.isoformat(),
        "currency": proof.currency,
        "revision": proof.revision,
        "period_id": proof.period_id,
        **proof.amounts(),
        "covered": not proof.is_short,
        "parts": [each.as_dict() for each in proof.parts],
        "banks": [each.as_dict() for each in proof.banks],
        "cut_off_at": clock.iso(proof.cut_off_at),
        "computed_at": clock.iso(proof.computed_at),
    }
