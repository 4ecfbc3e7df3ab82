"""What callers say of a posting, in the documents' shorthand or entry by entry, and the posting that it means."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from ledger.queries import find_account, is_account_id
from ledger.types import BatchItem, Bound, Fx, Line, Metric, NewPosting, PostingFacts
from zentra.api.fields import (
    LEDGER_CURRENCY,
    AmountMinor,
    AnyCurrency,
    Body,
    IdempotencyKey,
    Maybe,
    Metadata,
    Moment,
    Reference,
    SignedMinor,
    Text,
)
from zentra.api.problems import ConflictingFields, MissingField
from zentra.core import ids, telemetry
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef

MOST_ENTRIES = 500
_SHORTHAND = ("debit", "credit", "amount_minor")
_OF_HOLD = ("reference", "source", "release_condition", "expires_at")
# What a two-phase posting cannot have: it counts from when it is settled, in one currency.
_NOT_OF_HOLD = ("effective_at", "fx", "external_reference", "source_event_id", "decision_id")


class RangeBody(Body):
    """The least and the most that a balance may be once the posting stands, both included, in minor units."""

    gte: Maybe[SignedMinor] = None
    lte: Maybe[SignedMinor] = None


class ConditionsBody(Body):
    """What must hold of an account's balances once the posting stands, in its normal direction."""

    available_minor: Maybe[RangeBody] = None
    posted_minor: Maybe[RangeBody] = None
    pending_minor: Maybe[RangeBody] = None


class EntryBody(Body):
    """A debit or a credit of one account, by code or id.

    ``lock_version`` is the version that the account must have before the posting. ``floor_minor`` is the least that
    may stay available, beside the account's own limits; it is short for a condition.
    """

    account: Reference
    direction: Literal["debit", "credit"]
    amount_minor: AmountMinor
    currency: Maybe[AnyCurrency] = None
    floor_minor: Maybe[SignedMinor] = None
    lock_version: Maybe[Annotated[int, Field(ge=0, le=2**53 - 1)]] = None
    conditions: Maybe[ConditionsBody] = None


class FxBody(Body):
    """The rate of a posting over two currencies: so many units of ``quote`` for one of ``base``, as a text."""

    base: AnyCurrency
    quote: AnyCurrency
    rate: Reference
    source: Reference
    quoted_at: Maybe[Moment] = None


class MovementBody(Body):
    """One debit and one credit of the same amount, or a list of entries; not both."""

    debit: Maybe[Reference] = None
    credit: Maybe[Reference] = None
    amount_minor: Maybe[AmountMinor] = None
    entries: Maybe[Annotated[list[EntryBody], Field(max_length=MOST_ENTRIES)]] = None
    currency: Maybe[AnyCurrency] = None
    effective_at: Maybe[Moment] = None


class BatchEntryBody(MovementBody):
    """A posting. Accounts go by code or id; the currency is theirs unless it is said."""

    description: Maybe[Text] = None
    external_reference: Maybe[Reference] = None
    source_event_id: Maybe[Reference] = None
    decision_id: Maybe[Reference] = None
    correlation_id: Maybe[Reference] = None
    fx: Maybe[FxBody] = None
    metadata: Maybe[Metadata] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class PostEntriesBody(BatchEntryBody):
    """A posting. Accounts go by code or id; the currency is theirs unless it is said.

    ``pending`` makes it a two-phase posting: its entries are pending until it is posted or voided, whole. It has a
    ``reference`` and a ``source``, and may have an end.
    """

    pending: Maybe[bool] = None
    reference: Maybe[Reference] = None
    source: Maybe[Reference] = None
    release_condition: Maybe[Text] = None
    expires_at: Maybe[Moment] = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a posting, where and when."""

    tenant: TenantRef
    actor: Actor
    now: datetime
    currency_of: Callable[[str], str]

    @classmethod
    def by(cls, actor: Actor, *, tenant: TenantRef, now: datetime) -> "Asked":
        """With a memory of accounts' currencies, so that a batch looks each up once."""
        known: dict[str, str] = {}

        def currency_of(ref: str) -> str:
            if ref not in known:
                known[ref] = find_account(ref=ref).currency
            return known[ref]

        return cls(tenant, actor, now, currency_of)


def check_form(body: MovementBody, *, at: str = "") -> None:
    """Refuse a body that is neither form, both, or mixes what does not go together; ``at`` is where it stands.

    Raises MissingField, ConflictingFields.
    """
    said = body.model_fields_set
    if "entries" in said:
        for name in _SHORTHAND:
            if name in said:
                raise ConflictingFields(f"{at}/{name}", "excludes entries")
    else:
        for name in _SHORTHAND:
            if name not in said:
                raise MissingField(f"{at}/{name}", "is missing; or say entries")
    if isinstance(body, PostEntriesBody):
        _check_pending(body, said)


def _check_pending(body: PostEntriesBody, said: set[str]) -> None:
    if body.pending:
        for name in ("reference", "source"):
            if name not in said:
                raise MissingField(f"/{name}", "is missing: a pending posting says what it is for and who asked")
        for name in _NOT_OF_HOLD:
            if name in said:
                raise ConflictingFields(f"/{name}", "does not go with pending")
    else:
        for name in _OF_HOLD:
            if name in said:
                raise ConflictingFields(f"/{name}", "goes with pending: true only")


def lines_of(body: MovementBody, tenant: TenantRef) -> tuple[Line, ...]:
    """The entries that a body means."""
    if body.entries is not None:
        return tuple(_line(entry, tenant) for entry in body.entries)
    assert body.debit is not None  # noqa: S101  # check_form saw all three
    assert body.credit is not None  # noqa: S101
    assert body.amount_minor is not None  # noqa: S101
    return Line(body.debit, "debit", body.amount_minor), Line(body.credit, "credit", body.amount_minor)


def _line(entry: EntryBody, tenant: TenantRef) -> Line:
    return Line(
        account=entry.account,
        direction=entry.direction,
        amount_minor=entry.amount_minor,
        currency=None if entry.currency is None else own_currency(entry.currency, tenant),
        lock_version=entry.lock_version,
        bounds=_bounds(entry),
    )


def _bounds(entry: EntryBody) -> tuple[Bound, ...]:
    """A caller's floor is one more condition. As the line's own floor it would stand in for the account's, and nobody
    may waive a limit by asking."""
    bounds = [] if entry.floor_minor is None else [Bound("available", at_least_minor=entry.floor_minor)]
    asked = entry.conditions or ConditionsBody()
    metrics: tuple[tuple[Metric, RangeBody | None], ...] = (
        ("available", asked.available_minor),
        ("posted", asked.posted_minor),
        ("pending", asked.pending_minor),
    )
    bounds += [Bound(metric, span.gte, span.lte) for metric, span in metrics if span is not None]
    return tuple(bounds)


def own_currency(said: str, tenant: TenantRef) -> str:
    """The currency that a word means."""
    return tenant.ledger_currency if said == LEDGER_CURRENCY else said


def currency_of_body(body: MovementBody, asked: Asked) -> str:
    """The currency that was said, else the accounts': an id has one, a code means the ledger currency's first."""
    if body.currency is not None:
        return own_currency(body.currency, asked.tenant)
    if body.entries is not None:
        if not body.entries:
            return asked.tenant.ledger_currency
        first = body.entries[0]
        return (
            asked.currency_of(first.account) if first.currency is None else own_currency(first.currency, asked.tenant)
        )
    debit, credit = body.debit or "", body.credit or ""
    return asked.currency_of(credit if is_account_id(credit) and not is_account_id(debit) else debit)


def posting_item(body: BatchEntryBody, *, asked: Asked, key: str | None) -> BatchItem:
    """The posting that a body means, with its facts."""
    posting = NewPosting(
        posting_id=ids.new_id("posting"),
        purpose="manual",
        lines=lines_of(body, asked.tenant),
        currency=currency_of_body(body, asked),
        effective_at=body.effective_at or asked.now,
        description=body.description or "",
        metadata=body.metadata or {},
        fx=None if body.fx is None else _fx(body.fx, asked.tenant),
    )
    facts = PostingFacts(
        actor=asked.actor,
        recorded_at=asked.now,
        correlation_id=body.correlation_id or telemetry.correlation_id(),
        idempotency_key=key,
        source_event_id=body.source_event_id,
        decision_id=body.decision_id,
        external_reference=body.external_reference,
    )
    return BatchItem(posting, facts)


def _fx(rate: FxBody, tenant: TenantRef) -> Fx:
    return Fx(
        base=own_currency(rate.base, tenant),
        quote=own_currency(rate.quote, tenant),
        rate=rate.rate,
        source=rate.source,
        quoted_at=rate.quoted_at,
    )
