"""One party: who it is, how it was verified and screened, what it moved; and what may be done with it."""

from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console.doors import Visit, room
from console.marks import mark
from console.presenters import parties as present
from console.presenters.words import moment, money
from console.readings.parties import ground_of_hits
from console.shell import build_shell
from console.types.ledger import Field
from console.types.parties import AlertLine, PartyActs, PartyIntent, PartyPage
from policy.limits.history import movements_of_reference
from policy.reviews.queries import list_reviews
from policy.reviews.types import ReviewFilter
from policy.screening.queries import (
    documents_of,
    get_party,
    hits_of,
    identifiers_of,
    list_findings,
    names_of,
    steps_of,
    verifications_of,
)
from policy.screening.types import DOCUMENT_TYPES, IDENTIFIER_TYPES, NAME_KINDS, RISKS, PartyRecord
from zentra.tenants.permissions import Permission

HISTORY: Final = timedelta(days=90)
_WAITING: Final = frozenset({"queued", "pending", "unknown"})


@room(Permission.PARTIES_READ)
def show_party(visit: Visit, party_id: str) -> HttpResponse:
    """A party, whole. While a vendor is asked the page looks again by itself."""
    party = get_party(party_id=party_id)
    page = _page(visit, party)
    if visit.is_partial:
        return render(visit.request, "console/compliance/party_body.html", {"page": page})
    context = {"shell": build_shell(visit, room="compliance"), "page": page}
    return render(visit.request, "console/compliance/party.html", context)


def _page(visit: Visit, party: PartyRecord) -> PartyPage:
    hits, steps, verifications = (
        hits_of(party_id=party.id),
        steps_of(party_id=party.id, limit=60),
        verifications_of(party_id=party.id),
    )
    ground = ground_of_hits(hits, people=[each.actor.get("id", "") for each in steps])
    acts = _acts(visit, party, is_waiting=any(each.state in _WAITING for each in verifications))
    here = f"{visit.base}compliance/parties/{party.id}/"
    return PartyPage(
        row=present.party_row(party, base=visit.base, now=visit.now),
        version=str(party.version),
        facts=present.party_facts(party),
        kyc=present.kyc_facts(party, visit.now),
        screening=present.screening_facts(party),
        hits=tuple(
            present.hit_view(
                each,
                party=party,
                entry=ground.entries.get(each.entry_id),
                list_name=ground.lists.get(each.list_id, ""),
                base=visit.base,
                now=visit.now,
                names=ground.names,
                may_resolve=visit.may(Permission.PARTIES_SCREEN),
            )
            for each in hits
        ),
        open_hits=sum(each.state == "open" for each in hits),
        documents=tuple(
            present.document_row(each, now=visit.now, remove=f"{here}documents/remove/" if acts.document else "")
            for each in documents_of(party_id=party.id)
        ),
        names=tuple(
            present.known_name(each, remove=f"{here}names/remove/" if acts.name else "")
            for each in names_of(party_id=party.id)
        ),
        identifiers=tuple(
            present.known_identifier(each, remove=f"{here}identifiers/remove/" if acts.identifier else "")
            for each in identifiers_of(party_id=party.id)
        ),
        verifications=tuple(present.verification_row(each, now=visit.now) for each in verifications),
        steps=tuple(present.step_row(each, now=visit.now, names=ground.names) for each in steps),
        intents=_intents(visit, party),
        alerts=_alerts(visit, party),
        acts=acts,
        change_fields=_change_fields(party) if acts.change else (),
        document_types=present.options(DOCUMENT_TYPES),
        identifier_types=present.options(IDENTIFIER_TYPES),
        name_kinds=present.options(NAME_KINDS),
        poll_url=here if acts.abandon else "",
    )


def _acts(visit: Visit, party: PartyRecord, *, is_waiting: bool) -> PartyActs:
    here = f"{visit.base}compliance/parties/{party.id}/"
    may_change = visit.may(Permission.PARTIES_MANAGE) and party.state == "active"
    may_screen = visit.may(Permission.PARTIES_SCREEN) and party.state == "active"

    def url(path: str, allowed: bool) -> str:  # read beside its condition
        return f"{here}{path}/" if allowed else ""

    return PartyActs(
        verify=url("verify", may_change and not is_waiting and visit.workspace.mode == "sandbox"),
        decide=url("kyc", may_screen),
        abandon=url("abandon", may_change and is_waiting),
        screen=url("screen", may_screen),
        document=url("documents", may_change),
        name=url("names", may_change),
        identifier=url("identifiers", may_change),
        change=url("change", may_change),
        close=url("close", may_change),
    )


def _change_fields(party: PartyRecord) -> tuple[Field, ...]:
    return (
        Field("name", "Legal name", party.name),
        Field("country", "Country, two letters", party.country),
        Field("born_on", "Born, or founded", party.born_on.isoformat() if party.born_on else "", "date"),
        Field("risk", "Risk", options=present.options(RISKS, party.risk)),
        Field("segment", "Segment", party.segment),
    )


def _intents(visit: Visit, party: PartyRecord) -> tuple[PartyIntent, ...]:
    found = movements_of_reference(reference=party.reference, since=visit.now - HISTORY)
    rows = []
    for each in found:
        amount = money(each.amount_minor, each.currency)
        rows.append(
            PartyIntent(
                each.intent_id,
                f"{visit.base}intents/{each.intent_id}/",
                amount.minor,
                each.currency,
                "paid" if each.is_customer else "was paid",
                each.state,
                moment(each.at, visit.now),
            )
        )
    return tuple(rows)


def _alerts(visit: Visit, party: PartyRecord) -> tuple[AlertLine, ...]:
    """The cases about this party, and what monitoring found in its history."""
    cases = list_reviews(where=ReviewFilter(text=party.id), now=visit.now, limit=20)
    told = [
        AlertLine(
            each.rule,
            f"{visit.base}reviews/{each.id}/",
            mark(each.state),
            each.saw,
            moment(each.opened_at, visit.now),
        )
        for each in cases
    ]
    found = list_findings(party_id=party.id, limit=20)
    told += [
        AlertLine(
            each.scenario.replace("_", " "),
            f"{visit.base}reviews/{each.review_id}/" if each.review_id else "",
            mark("review", says=f"score {each.score}"),
            each.period,
            moment(each.found_at, visit.now),
        )
        for each in found
    ]
    return tuple(told)
