"""``/parties``: the people and companies behind intents, what is known of them, and their verification.

What is personal stands in the parties' own tables and nowhere else: an answer is kept encrypted under its key.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from policy.screening import operations, queries
from policy.screening.types import PartyRecord
from zentra.api.doors import answer_json, answer_once, answer_page, caller_of, door
from zentra.api.fields import Body, IdempotencyKey, Maybe, Reason, Reference, Text
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.v1.party_answers import (
    DocumentAnswer,
    PartyAnswer,
    PartyPage,
    VerificationAnswer,
    show_document,
    show_identifier,
    show_party,
    show_verification,
)
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Compliance"])


def _check_day(value: Any) -> date:
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "must be a text such as 1969-03-01")
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("bad_format", "must be a day such as 1969-03-01") from error
    if value != day.isoformat():
        raise PydanticCustomError("bad_format", "must be a day such as 1969-03-01")
    return day


Day = Annotated[
    date,
    PlainValidator(_check_day),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"\S")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Risk = Literal["low", "medium", "high"]
Version = Annotated[int, Field(ge=1, le=10**9)]
IdentifierType = Literal["passport", "national_id", "tax_id", "registration", "lei", "swift", "vessel", "other"]


class IdentifierBody(Body):
    """A number by which somebody is known, and the country that gave it."""

    type: IdentifierType
    value: Reference
    country: Maybe[Country] = None


class CreatePartyBody(Body):
    """Who it is. ``reference`` is the customer or payee as intents name it; it never changes."""

    kind: Literal["person", "company"]
    reference: Reference
    name: Name
    country: Maybe[Country] = None
    born_on: Maybe[Day] = None
    risk: Risk = "low"
    segment: Maybe[Annotated[str, StringConstraints(max_length=64)]] = None
    aliases: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    identifiers: Annotated[list[IdentifierBody], Field(max_length=50)] = Field(default_factory=list)
    idempotency_key: Maybe[IdempotencyKey] = None


class ChangePartyBody(Body):
    """What changes, and the ``version`` of the party that was seen."""

    version: Version
    name: Maybe[Name] = None
    country: Maybe[Country] = None
    born_on: Maybe[Day] = None
    risk: Maybe[Risk] = None
    segment: Maybe[Annotated[str, StringConstraints(max_length=64)]] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ClosePartyBody(Body):
    """Why nobody deals with it any more, and the ``version`` that was seen."""

    version: Version
    reason: Reason
    idempotency_key: Maybe[IdempotencyKey] = None


class AddNameBody(Body):
    """Another name of the party."""

    name: Name
    kind: Literal["alias", "former", "trade"] = "alias"
    idempotency_key: Maybe[IdempotencyKey] = None


class AddIdentifierBody(IdentifierBody):
    """Another number of the party."""

    idempotency_key: Maybe[IdempotencyKey] = None


class AddDocumentBody(Body):
    """A document that was seen; of its number only the end. The verification ends with it when it expires."""

    type: Literal["passport", "id_card", "driving_licence", "residence_permit", "registration", "address"]
    number_hint: Annotated[str, StringConstraints(max_length=8)] = ""
    issued_by: Text = ""
    expires_on: Maybe[Day] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class VerifyBody(Body):
    """Which vendor is asked; ``sandbox`` is simulated and exists in sandboxes only."""

    vendor: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] = "sandbox"
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/parties", permission=Permission.PARTIES_MANAGE, response={201: PartyAnswer})
def create(request: HttpRequest, body: CreatePartyBody) -> HttpResponse:
    """Keep a party. It is screened against every active watchlist in the same transaction."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        made = operations.create_party(
            kind=body.kind,
            reference=body.reference,
            name=body.name,
            country=body.country or "",
            born_on=body.born_on,
            risk=body.risk,
            segment=body.segment or "",
            aliases=body.aliases,
            identifiers=[_identifier(each) for each in body.identifiers],
            actor=actor,
            now=now,
        )
        return _whole(made)

    return answer_once(request, operation="parties.create", body=body, effect=effect, status=201, is_secret=True)


@door(router, "GET", "/parties", permission=Permission.PARTIES_READ, response=PartyPage)
def list_all(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    kind: Annotated[Literal["person", "company"] | None, Query()] = None,
    state: Annotated[Literal["active", "closed"] | None, Query()] = None,
    kyc_state: Annotated[Literal["none", "pending", "verified", "rejected", "expired"] | None, Query()] = None,
    screening: Annotated[Literal["unscreened", "clear", "unresolved", "confirmed"] | None, Query()] = None,
    risk: Annotated[Risk | None, Query()] = None,
    reference: Annotated[str | None, Query(description="The customer or payee.", max_length=128)] = None,
) -> HttpResponse:
    """Parties, newest first."""
    return answer_page(
        request,
        listing="parties",
        limit=limit,
        cursor=cursor,
        read=lambda many, after: queries.list_parties(
            kind=kind, state=state, kyc_state=kyc_state, screening=screening, risk=risk, text=reference,
            before=after, limit=many,
        ),
        position=lambda each: each.page_key,
        show=show_party,
    )  # fmt: skip


@door(router, "GET", "/parties/{party_id}", permission=Permission.PARTIES_READ, response=PartyAnswer)
def get(request: HttpRequest, party_id: str) -> HttpResponse:
    """One party with its names, identifiers, documents and verifications."""
    with tenant_work(caller_of(request).tenant):
        whole = _whole(queries.get_party(party_id=party_id))
    return answer_json(whole)


@door(router, "PATCH", "/parties/{party_id}", permission=Permission.PARTIES_MANAGE, response={200: PartyAnswer})
def change(request: HttpRequest, party_id: str, body: ChangePartyBody) -> HttpResponse:
    """Change what is known of a party; it is screened again when that could matter."""
    actor = caller_of(request).actor
    said = body.model_dump(exclude_unset=True, exclude={"version", "idempotency_key"})

    def effect(now: datetime) -> dict[str, Any]:
        changed = operations.change_party(party_id=party_id, version=body.version, changes=said, actor=actor, now=now)
        return _whole(changed)

    return answer_once(request, operation="parties.change", body=body, effect=effect, is_secret=True)


@door(router, "POST", "/parties/{party_id}/close", permission=Permission.PARTIES_MANAGE, response={200: PartyAnswer})
def close(request: HttpRequest, party_id: str, body: ClosePartyBody) -> HttpResponse:
    """Close a party: nothing of it changes any more."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        closed = operations.close_party(party_id=party_id, version=body.version, note=body.reason, actor=actor, now=now)
        return _whole(closed)

    return answer_once(request, operation="parties.close", body=body, effect=effect, is_secret=True)


@door(router, "POST", "/parties/{party_id}/names", permission=Permission.PARTIES_MANAGE, response={200: PartyAnswer})
def add_name(request: HttpRequest, party_id: str, body: AddNameBody) -> HttpResponse:
    """Add another name; the same one again changes nothing."""
    actor = caller_of(request).actor

    def act(now: datetime) -> None:
        operations.add_name(party_id=party_id, name=body.name, kind=body.kind, actor=actor, now=now)

    return _answer_changed(request, party_id, body, "parties.add_name", act)


@door(
    router,
    "POST",
    "/parties/{party_id}/identifiers",
    permission=Permission.PARTIES_MANAGE,
    response={200: PartyAnswer},
)
def add_identifier(request: HttpRequest, party_id: str, body: AddIdentifierBody) -> HttpResponse:
    """Add another number; the same one again changes nothing."""
    actor = caller_of(request).actor

    def act(now: datetime) -> None:
        operations.add_identifier(
            party_id=party_id, type=body.type, value=body.value, country=body.country or "", actor=actor, now=now
        )

    return _answer_changed(request, party_id, body, "parties.add_identifier", act)


@door(
    router,
    "POST",
    "/parties/{party_id}/documents",
    permission=Permission.PARTIES_MANAGE,
    response={201: DocumentAnswer},
)
def add_document(request: HttpRequest, party_id: str, body: AddDocumentBody) -> HttpResponse:
    """Keep that a document was seen, and until when it is good."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        added = operations.add_document(
            party_id=party_id, type=body.type, number_hint=body.number_hint, issued_by=body.issued_by,
            expires_on=body.expires_on, actor=actor, now=now,
        )  # fmt: skip
        return show_document(added)

    return answer_once(request, operation="parties.add_document", body=body, effect=effect, status=201, is_secret=True)


@door(
    router,
    "POST",
    "/parties/{party_id}/verifications",
    permission=Permission.PARTIES_MANAGE,
    response={201: VerificationAnswer},
)
def verify(request: HttpRequest, party_id: str, body: VerifyBody) -> HttpResponse:
    """Have a vendor verify the party; what comes of it shows on the party."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        return show_verification(
            operations.start_verification(party_id=party_id, vendor=body.vendor, actor=actor, now=now)
        )

    return answer_once(request, operation="parties.verify", body=body, effect=effect, status=201, is_secret=True)


def _answer_changed(
    request: HttpRequest, party_id: str, body: Body, operation: str, act: Callable[[datetime], None]
) -> HttpResponse:
    def effect(now: datetime) -> dict[str, Any]:
        act(now)
        return _whole(queries.get_party(party_id=party_id))

    return answer_once(request, operation=operation, body=body, effect=effect, is_secret=True)


def _identifier(said: IdentifierBody) -> dict[str, str]:
    return {"type": said.type, "value": said.value, "country": said.country or ""}


def _whole(party: PartyRecord) -> dict[str, Any]:
    names = queries.names_of(party_id=party.id)
    return show_party(party) | {
        "names": [{"id": each.id, "name": each.name, "kind": each.kind} for each in names],
        "identifiers": [show_identifier(each) for each in queries.identifiers_of(party_id=party.id)],
        "documents": [show_document(each) for each in queries.documents_of(party_id=party.id)],
        "verifications": [show_verification(each) for each in queries.verifications_of(party_id=party.id)],
    }
