"""What rules see of an intent, and the catalogue of the fields that they may name. Amounts are integer minor units."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

FieldType = Literal["amount", "integer", "text", "country", "currency", "boolean"]
KycState = Literal["none", "pending", "verified", "rejected", "expired"]
ScreeningState = Literal["unscreened", "clear", "unresolved", "confirmed"]
Risk = Literal["low", "medium", "high"]
PartyKind = Literal["person", "company"]
Value = int | str | bool | None
"""A field's value; None is missing."""

KINDS: Final = ("payment", "transfer")
"""The kinds of intent that a scope may name. The runtime's kinds are the same; a test holds them together."""


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """What is known of a party at the moment of a decision: states and codes, never a name.

    ``reference`` is the customer or the counterparty as intents name it.
    """

    reference: str
    party_id: str
    kind: PartyKind
    kyc_state: KycState
    kyc_expires_at: datetime | None
    screening: ScreeningState
    risk: Risk
    country: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules see of an intent.

    ``customer`` is whom customer limits count: the debit side's customer; the chart's own accounts have none.
    ``account`` is the source account's id and ``account_code`` its code; ``counterparty`` is the payee, else the
    destination's code. An empty text is missing. ``at`` is when the intent came (UTC).
    """

    intent_id: str
    kind: str
    amount_minor: int
    currency: str
    customer: str | None
    account: str = ""
    account_code: str = ""
    counterparty: str = ""
    corridor_source: str = ""
    corridor_destination: str = ""
    corridor_method: str = ""
    card: str = ""
    segment: str = ""
    channel: str = ""
    at: datetime | None = None
    customer_party: PartyFacts | None = None
    counterparty_party: PartyFacts | None = None
    is_first_with_counterparty: bool | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a rule may name. ``kinds`` are the intents that have it; ``words`` name it in a sentence.

    ``is_known_before`` says that it is known before the database is asked, so that lists can be looked up by it.
    """

    name: str
    type: FieldType
    words: str
    read: Callable[[Subject], Value]
    kinds: tuple[str, ...] = KINDS
    choices: tuple[str, ...] = ()
    is_known_before: bool = True


def _kyc_state(party: PartyFacts | None, at: datetime | None) -> Value:
    """The state, which is ``expired`` from the moment that the verification ran out, whatever is written."""
    if party is None:
        return None
    if party.kyc_expires_at is not None and at is not None and party.kyc_expires_at <= at:
        return "expired"
    return party.kyc_state


def _party_fields(side: Literal["customer", "counterparty"]) -> tuple[Field, ...]:
    whose = f"the {side}'s"

    def party(subject: Subject) -> PartyFacts | None:
        return subject.customer_party if side == "customer" else subject.counterparty_party

    def known(
        name: str, kind: FieldType, words: str, read: Callable[[PartyFacts], Value], choices: tuple[str, ...]
    ) -> Field:
        return Field(
            f"{side}.{name}",
            kind,
            f"{whose} {words}",
            lambda subject: None if (found := party(subject)) is None else read(found) or None,
            choices=choices,
            is_known_before=False,
        )

    return (
        Field(
            f"{side}.kyc_state",
            "text",
            f"{whose} verification",
            lambda subject: _kyc_state(party(subject), subject.at),
            choices=("none", "pending", "verified", "rejected", "expired"),
            is_known_before=False,
        ),
        known(
            "screening", "text", "screening", lambda facts: facts.screening,
            ("unscreened", "clear", "unresolved", "confirmed"),
        ),
        known("risk", "text", "risk", lambda facts: facts.risk, ("low", "medium", "high")),
        known("country", "country", "country", lambda facts: facts.country, ()),
    )  # fmt: skip


_ALL: Final = (
    Field("amount_minor", "amount", "the amount", lambda s: s.amount_minor),
    Field("currency", "currency", "the currency", lambda s: s.currency or None),
    Field("kind", "text", "the kind", lambda s: s.kind or None, choices=KINDS),
    Field("account", "text", "the account", lambda s: s.account_code or s.account or None),
    Field("customer", "text", "the customer", lambda s: s.customer or None),
    Field("counterparty", "text", "the counterparty", lambda s: s.counterparty or None),
    Field("corridor.source", "text", "the corridor's source", lambda s: s.corridor_source or None),
    Field("corridor.destination", "text", "the corridor's destination", lambda s: s.corridor_destination or None),
    Field("corridor.method", "text", "the corridor's method", lambda s: s.corridor_method or None),
    Field("card", "text", "the card", lambda s: s.card or None, kinds=("payment",)),
    Field("segment", "text", "the customer's segment", lambda s: s.segment or None),
    Field("channel", "text", "the channel", lambda s: s.channel or None),
    Field("hour_utc", "integer", "the hour (UTC)", lambda s: s.at.hour if s.at else None),
    Field("weekday_utc", "integer", "the weekday (Monday is 1, UTC)", lambda s: s.at.isoweekday() if s.at else None),
    *_party_fields("customer"),
    *_party_fields("counterparty"),
    Field(
        "is_first_with_counterparty",
        "boolean",
        "whether it is the first with this counterparty",
        lambda s: s.is_first_with_counterparty,
        is_known_before=False,
    ),
)
FIELDS: Final[dict[str, Field]] = {field.name: field for field in _ALL}
"""Every field that a rule may name, in the order in which the builder offers them."""
