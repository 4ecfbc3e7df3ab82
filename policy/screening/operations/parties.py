"""Parties come, change and close. Each change is one of a version, and what a list could know is screened again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from policy.screening import normal, store
from policy.screening.models import Identifier, Party, PartyName
from policy.screening.operations.screenings import screen_locked
from policy.screening.types import CheckReason, PartyIdentifier, PartyRecord
from policy.screening.types import PartyName as NameRecord
from zentra.core import ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

SCREENED_FIELDS: Final = frozenset({"kind", "name", "country", "born_on"})
"""A change of these may make or end a match."""

MOST_NAMES: Final = 50
MOST_IDENTIFIERS: Final = 50


class ReferenceTaken(DomainError):
    """Another party has this reference; ``party_id`` says which."""

    code = "reference_taken"
    status = 409
    title = "The reference belongs to another party"


class NameNotFound(DomainError):
    """The party has no such other name or identifier."""

    code = "party_name_not_found"
    status = 404
    title = "The party has no such name or identifier"


@transaction.atomic(savepoint=False)
def create_party(
    *,
    kind: str,
    reference: str,
    name: str,
    actor: Actor,
    now: datetime,
    country: str = "",
    born_on: date | None = None,
    risk: str = "low",
    segment: str = "",
    aliases: Sequence[str] = (),
    identifiers: Sequence[Mapping[str, str]] = (),
) -> PartyRecord:
    """Keep a new party and screen it, in one transaction.

    ``identifiers`` are mappings of type, value and country (``""``). ``born_on`` is a company's incorporation.

    Raises:
        InvalidParty: with ``errors``, one for each field.
        ReferenceTaken: with ``party_id``.
    """
    said = {"kind": kind, "reference": reference, "name": name, "country": country, "born_on": born_on, "risk": risk,
            "segment": segment}  # fmt: skip
    columns = normal.normal_fields(said, now=now)
    names = [normal.name_row(name=alias, kind="alias") for alias in dict.fromkeys(aliases)]
    numbers = [_identifier(each) for each in identifiers]
    if len(names) > MOST_NAMES or len(numbers) > MOST_IDENTIFIERS:
        raise normal.refuse("aliases", f"at most {MOST_NAMES} names and {MOST_IDENTIFIERS} identifiers")
    row = Party(id=ids.new_id("pty"), created_at=now, created_by=actor.id, changed_at=now, **columns)
    _insert(row)
    PartyName.objects.bulk_create([PartyName(id=ids.new_id("nam"), party_id=row.id, **each) for each in names])
    Identifier.objects.bulk_create(
        [Identifier(id=ids.new_id("idn"), party_id=row.id, **each) for each in numbers], ignore_conflicts=True
    )
    store.add_step(party_id=row.id, what="created", actor=actor, now=now, facts=_plain(columns))
    store.tell(type="party.created", actor=actor, now=now, party_id=row.id, kind=row.kind, version=1)
    screen_locked(party=row, reason="created", actor=actor, now=now)
    return store.party_record(row)


def _identifier(said: Mapping[str, str]) -> dict[str, str]:
    unknown = set(said) - {"type", "value", "country"}
    if unknown or not {"type", "value"} <= set(said):
        raise normal.refuse("identifiers", "each has a type, a value and perhaps a country")
    return normal.identifier_row(type=said["type"], value=said["value"], country=said.get("country", ""))


def _insert(row: Party) -> None:
    taken = Party.objects.filter(reference=row.reference).values_list("id", flat=True).first()
    try:
        if taken is None:
            # A savepoint of its own: the twin that came first is named instead of a broken transaction.
            with transaction.atomic():
                row.save(force_insert=True)
            return
    except IntegrityError as error:
        if "screening_party_reference_once" not in str(error):
            raise
        taken = Party.objects.filter(reference=row.reference).values_list("id", flat=True).first()
    raise ReferenceTaken("Another party has this reference.", party_id=taken)


@transaction.atomic(savepoint=False)
def change_party(
    *, party_id: str, version: int, changes: Mapping[str, Any], actor: Actor, now: datetime
) -> PartyRecord:
    """Change fields of a party (name, country, born_on, risk, segment), as long as ``version`` is still its own.

    Raises:
        PartyNotFound, PartyClosed, InvalidParty.
        StaleParty: with the ``version`` and ``changed_at`` of now; nothing was changed.
    """
    if fixed := {"kind", "reference"} & set(changes):
        raise normal.refuse(min(fixed), "never changes; close this party and create another")
    columns = normal.normal_fields(changes, now=now)
    row = store.lock_party(party_id=party_id, version=version)
    before = {name: getattr(row, name) for name in columns if getattr(row, name) != columns[name]}
    if not before:
        return store.party_record(row)
    for name in before:
        setattr(row, name, columns[name])
    facts = {"before": _plain(before), "after": _plain({name: columns[name] for name in before})}
    return _changed(row, what="changed", fields=list(before), actor=actor, now=now, facts=facts)


@transaction.atomic(savepoint=False)
def add_name(
    *, party_id: str, name: str, actor: Actor, now: datetime, kind: str = "alias", version: int | None = None
) -> NameRecord:
    """Add another name; the same one again changes nothing.

    Raises:
        PartyNotFound, PartyClosed, StaleParty, InvalidParty.
    """
    columns = normal.name_row(name=name, kind=kind)
    party = store.lock_party(party_id=party_id, version=version)
    row = PartyName.objects.filter(party=party, name=columns["name"]).first()
    if row is None:
        if PartyName.objects.filter(party=party).count() >= MOST_NAMES:
            raise normal.refuse("name", f"a party has at most {MOST_NAMES} other names")
        row = PartyName(id=ids.new_id("nam"), party=party, **columns)
        row.save(force_insert=True)
        _changed(party, what="name_added", fields=["aliases"], actor=actor, now=now, facts=columns)
    return NameRecord(row.id, row.name, row.kind)


@transaction.atomic(savepoint=False)
def remove_name(*, party_id: str, name_id: str, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Take back another name. Raises PartyNotFound, PartyClosed, StaleParty, NameNotFound."""
    party = store.lock_party(party_id=party_id, version=version)
    row = PartyName.objects.filter(party=party, id=name_id).first()
    if row is None:
        raise NameNotFound("The party has no such name.")
    facts = {"name": row.name, "kind": row.kind}
    row.delete()
    _changed(party, what="name_removed", fields=["aliases"], actor=actor, now=now, facts=facts)


@transaction.atomic(savepoint=False)
def add_identifier(
    *,
    party_id: str,
    type: str,  # noqa: A002  # the field's name in the API
    value: str,
    actor: Actor,
    now: datetime,
    country: str = "",
    version: int | None = None,
) -> PartyIdentifier:
    """Add a number that the party is known by; the same one in another spelling changes nothing.

    Raises:
        PartyNotFound, PartyClosed, StaleParty, InvalidParty.
    """
    columns = normal.identifier_row(type=type, value=value, country=country)
    party = store.lock_party(party_id=party_id, version=version)
    key = {name: columns[name] for name in ("type", "normal", "country")}
    row = Identifier.objects.filter(party=party, **key).first()
    if row is None:
        if Identifier.objects.filter(party=party).count() >= MOST_IDENTIFIERS:
            raise normal.refuse("value", f"a party has at most {MOST_IDENTIFIERS} identifiers")
        row = Identifier(id=ids.new_id("idn"), party=party, **columns)
        row.save(force_insert=True)
        _changed(party, what="identifier_added", fields=["identifiers"], actor=actor, now=now, facts=columns)
    return PartyIdentifier(row.id, row.type, row.value, row.normal, row.country)


@transaction.atomic(savepoint=False)
def remove_identifier(
    *, party_id: str, identifier_id: str, actor: Actor, now: datetime, version: int | None = None
) -> None:
    """Take back an identifier. Raises PartyNotFound, PartyClosed, StaleParty, NameNotFound."""
    party = store.lock_party(party_id=party_id, version=version)
    row = Identifier.objects.filter(party=party, id=identifier_id).first()
    if row is None:
        raise NameNotFound("The party has no such identifier.")
    facts = {"type": row.type, "value": row.value, "country": row.country}
    row.delete()
    _changed(party, what="identifier_removed", fields=["identifiers"], actor=actor, now=now, facts=facts)


@transaction.atomic(savepoint=False)
def close_party(*, party_id: str, version: int, note: str, actor: Actor, now: datetime) -> PartyRecord:
    """Close a party: it is kept, screened no more, and what is known of it still counts in decisions.

    Raises:
        PartyNotFound, PartyClosed, StaleParty.
    """
    row = store.lock_party(party_id=party_id, version=version)
    row.state, row.closed_at, row.changed_at, row.version = "closed", now, now, row.version + 1
    row.save(update_fields=["state", "closed_at", "changed_at", "version"])
    store.add_step(party_id=row.id, what="closed", actor=actor, now=now, note=note.strip()[:2000])
    store.tell(type="party.closed", actor=actor, now=now, party_id=row.id, version=row.version)
    return store.party_record(row)


def _changed(
    row: Party, *, what: str, fields: list[str], actor: Actor, now: datetime, facts: Mapping[str, Any]
) -> PartyRecord:
    """Count the version, tell, and screen again where a list could know the difference."""
    row.version, row.changed_at = row.version + 1, now
    row.save(update_fields=["version", "changed_at", *(name for name in fields if name in _COLUMNS)])
    store.add_step(party_id=row.id, what=what, actor=actor, now=now, facts=facts)
    store.tell(type="party.changed", actor=actor, now=now, party_id=row.id, version=row.version, changed=sorted(fields))
    if SCREENED_FIELDS & set(fields) or {"aliases", "identifiers"} & set(fields):
        reason: CheckReason = "changed"
        screen_locked(party=row, reason=reason, actor=actor, now=now)
    return store.party_record(row)


_COLUMNS: Final = frozenset({"name", "country", "born_on", "risk", "segment"})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
