"""What is done with a party or one of its hits: each a form that acts once."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, Literal, cast

from django.http import HttpResponse

from console.doors import Visit, room
from console.forms import FormIncomplete, act_once, words
from console.presenters import parties as present
from console.views.parties import read_day
from policy.screening import operations as do
from zentra.tenants.permissions import Permission

_CHANGED: Final = ("name", "country", "risk", "segment")


def _act(visit: Visit, party_id: str, operation: str, effect: Callable[[], str]) -> HttpResponse:
    to = f"{visit.base}compliance/parties/{party_id}/"
    return act_once(visit, operation=f"parties.{operation}", effect=effect, to=to)


@room(Permission.PARTIES_MANAGE)
def verify(visit: Visit, party_id: str) -> HttpResponse:
    """Have the vendor verify it."""

    def effect() -> str:
        do.start_verification(party_id=party_id, actor=visit.actor(), now=visit.now)
        return "The vendor is asked; its answer is taken in by itself."

    return _act(visit, party_id, "verify", effect)


@room(Permission.PARTIES_MANAGE)
def abandon(visit: Visit, party_id: str) -> HttpResponse:
    """Wait for the vendor no longer."""

    def effect() -> str:
        do.abandon_verification(party_id=party_id, actor=visit.actor(), now=visit.now)
        return "The verification is taken back."

    return _act(visit, party_id, "abandon", effect)


@room(Permission.PARTIES_SCREEN, step_up=True)
def decide_kyc(visit: Visit, party_id: str) -> HttpResponse:
    """Verify or reject it by one's own word."""
    state = _one_of(visit, "state", ("verified", "rejected"))
    until = read_day(visit.request.POST.get("valid_until", "").strip(), "The last good day")

    def effect() -> str:
        do.decide_kyc(
            party_id=party_id,
            state=cast("Literal['verified', 'rejected']", state),
            note=words(visit, "note"),
            valid_until=datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None,
            actor=visit.actor(),
            now=visit.now,
        )
        return f"The party is {present.KYC_WORDS[state]}."

    return _act(visit, party_id, "kyc", effect)


@room(Permission.PARTIES_SCREEN)
def screen(visit: Visit, party_id: str) -> HttpResponse:
    """Compare it with the active lists now."""

    def effect() -> str:
        found = do.screen_party(party_id=party_id, actor=visit.actor(), now=visit.now)
        count = len(found.new_hits)
        told = f"{count} new {'hit' if count == 1 else 'hits'}" if count else "nothing new"
        return f"Screened: {told}. It is {present.SCREENING_WORDS[found.screening]}."

    return _act(visit, party_id, "screen", effect)


@room(Permission.PARTIES_MANAGE)
def change(visit: Visit, party_id: str) -> HttpResponse:
    """Change what is known of it."""
    form = visit.request.POST
    changes: dict[str, Any] = {
        name: form[name].strip() for name in ("name", "country", "risk", "segment") if name in form
    }
    changes["born_on"] = read_day(form.get("born_on", "").strip(), "The day")

    def effect() -> str:
        do.change_party(party_id=party_id, version=_version(visit), changes=changes, actor=visit.actor(), now=visit.now)
        return "The party is changed, and screened again where a list could know the difference."

    return _act(visit, party_id, "change", effect)


@room(Permission.PARTIES_MANAGE)
def close(visit: Visit, party_id: str) -> HttpResponse:
    """Close it: it is kept, and screened no more."""

    def effect() -> str:
        do.close_party(
            party_id=party_id, version=_version(visit), note=words(visit, "reason"), actor=visit.actor(), now=visit.now
        )
        return "The party is closed."

    return _act(visit, party_id, "close", effect)


@room(Permission.PARTIES_MANAGE)
def add_document(visit: Visit, party_id: str) -> HttpResponse:
    """Keep that a document was seen."""
    form = visit.request.POST
    expires = read_day(form.get("expires_on", "").strip(), "The last good day")

    def effect() -> str:
        do.add_document(
            party_id=party_id,
            type=words(visit, "type"),
            number_hint=form.get("number_hint", "").strip(),
            issued_by=form.get("issued_by", "").strip(),
            expires_on=expires,
            actor=visit.actor(),
            now=visit.now,
        )
        return "The document is kept."

    return _act(visit, party_id, "document", effect)


@room(Permission.PARTIES_MANAGE)
def remove_document(visit: Visit, party_id: str) -> HttpResponse:
    """Take a document back."""

    def effect() -> str:
        do.remove_document(party_id=party_id, document_id=words(visit, "document"), actor=visit.actor(), now=visit.now)
        return "The document counts no more."

    return _act(visit, party_id, "document_remove", effect)


@room(Permission.PARTIES_MANAGE)
def add_name(visit: Visit, party_id: str) -> HttpResponse:
    """Add another name; the party is screened again."""

    def effect() -> str:
        do.add_name(
            party_id=party_id, name=words(visit, "name"), kind=words(visit, "kind"), actor=visit.actor(), now=visit.now
        )
        return "The name is added, and the party screened again."

    return _act(visit, party_id, "name", effect)


@room(Permission.PARTIES_MANAGE)
def remove_name(visit: Visit, party_id: str) -> HttpResponse:
    """Take another name back."""

    def effect() -> str:
        do.remove_name(party_id=party_id, name_id=words(visit, "name"), actor=visit.actor(), now=visit.now)
        return "The name is taken back."

    return _act(visit, party_id, "name_remove", effect)


@room(Permission.PARTIES_MANAGE)
def add_identifier(visit: Visit, party_id: str) -> HttpResponse:
    """Add a number that it is known by; the party is screened again."""

    def effect() -> str:
        do.add_identifier(
            party_id=party_id,
            type=words(visit, "type"),
            value=words(visit, "value"),
            country=words(visit, "country", needed=False).upper(),
            actor=visit.actor(),
            now=visit.now,
        )
        return "The identifier is added, and the party screened again."

    return _act(visit, party_id, "identifier", effect)


@room(Permission.PARTIES_MANAGE)
def remove_identifier(visit: Visit, party_id: str) -> HttpResponse:
    """Take an identifier back."""

    def effect() -> str:
        do.remove_identifier(
            party_id=party_id, identifier_id=words(visit, "identifier"), actor=visit.actor(), now=visit.now
        )
        return "The identifier is taken back."

    return _act(visit, party_id, "identifier_remove", effect)


@room(Permission.PARTIES_SCREEN)
def resolve(visit: Visit, hit_id: str) -> HttpResponse:
    """Say of a hit that it is the same, or not."""
    state = _one_of(visit, "state", ("cleared", "confirmed"))

    def effect() -> str:
        do.resolve_hit(
            hit_id=hit_id,
            state=cast("Literal['cleared', 'confirmed']", state),
            note=words(visit, "note"),
            actor=visit.actor(),
            now=visit.now,
        )
        if state == "cleared":
            return "The hit is cleared: not the same. It asks again when the entry or the party changes."
        return "The hit is confirmed. What this party takes part in is held from now on."

    return act_once(visit, operation="hits.resolve", effect=effect)


@room(Permission.PARTIES_SCREEN, step_up=True)
def reopen(visit: Visit, hit_id: str) -> HttpResponse:
    """Take a confirmation back; the match is asked anew."""

    def effect() -> str:
        do.reopen_hit(hit_id=hit_id, note=words(visit, "reason"), actor=visit.actor(), now=visit.now)
        return "The confirmation is taken back; the hit waits again."

    return act_once(visit, operation="hits.reopen", effect=effect)


def _version(visit: Visit) -> int:
    said = visit.request.POST.get("version", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 0


def _one_of(visit: Visit, name: str, known: tuple[str, ...]) -> str:
    said = visit.request.POST.get(name, "")
    if said not in known:
        raise FormIncomplete(f"Choose {' or '.join(known)}.")
    return said
