"""Parties: who customers and counterparties are. A list with filters, and the form of a new one."""

from datetime import date
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.builder.closing import lines
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.presenters import parties as present
from console.refusals import explain
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field
from console.types.parties import PartiesPage, PartyForm
from policy.screening.operations import create_party
from policy.screening.queries import count_parties, list_parties
from policy.screening.types import IDENTIFIER_TYPES, KYC_STATES, PARTY_KINDS, PARTY_STATES, RISKS
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

PAGE: Final = 50
_TYPED: Final = ("kind", "name", "reference", "country", "born_on", "risk", "segment")


def compliance_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The pages of this room."""
    pages = (
        ("parties", "Parties", ""),
        ("alerts", "Alerts", "alerts/"),
        ("watchlists", "Watchlists", "watchlists/"),
        ("runs", "Screening", "screening/"),
    )
    return tuple(Chip(title, f"{visit.base}compliance/{path}", key == current) for key, title, path in pages)


@room(Permission.PARTIES_READ)
def show_parties(visit: Visit) -> HttpResponse:
    """Parties, newest first, narrowed by what the address says."""
    chosen = {
        "kind": _known(visit, "kind", PARTY_KINDS),
        "kyc_state": _known(visit, "kyc_state", KYC_STATES),
        "risk": _known(visit, "risk", RISKS),
        "state": _known(visit, "state", PARTY_STATES),
    }
    screening, text, before = asked(visit, "screening"), asked(visit, "q"), asked(visit, "before")
    found = list_parties(
        **chosen,
        screening=screening or None,
        text=text or None,
        before=paging.decode(before),
        limit=PAGE + 1,
    )
    rows, more = found[:PAGE], len(found) > PAGE
    here = f"{visit.base}compliance/"
    kept = {**chosen, "q": text}
    narrowed = {**kept, "screening": screening}
    counts = count_parties()["screening"]
    page = PartiesPage(
        tabs=compliance_tabs(visit, "parties"),
        fields=(
            Field("q", "Name, reference or alias", text, "search", placeholder="Ada Byron, customer_88"),
            Field("kind", "Kind", options=present.options(PARTY_KINDS, chosen["kind"], empty="any")),
            Field("kyc_state", "Verification", options=present.options(KYC_STATES, chosen["kyc_state"], empty="any")),
            Field("risk", "Risk", options=present.options(RISKS, chosen["risk"], empty="any")),
            Field("state", "State", options=present.options(PARTY_STATES, chosen["state"], empty="any")),
        ),
        states=(
            Chip("All", paging.link(here, **kept), not screening, sum(counts.values())),
            *(
                Chip(words.capitalize(), paging.link(here, screening=key, **kept), screening == key, counts.get(key, 0))
                for key, words in present.SCREENING_WORDS.items()
            ),
        ),
        rows=tuple(present.party_row(each, base=visit.base, now=visit.now) for each in rows),
        new_url=f"{here}parties/new/" if visit.may(Permission.PARTIES_MANAGE) else "",
        clear_url=here if screening or any(kept.values()) else "",
        next_url=paging.link(here, **narrowed, before=paging.encode(rows[-1].page_key)) if more else "",
        first_url=paging.link(here, **narrowed) if before else "",
    )  # fmt: skip
    return render(visit.request, "console/compliance/parties.html", _context(visit, page))


def _known(visit: Visit, name: str, words: tuple[str, ...]) -> str:
    said = asked(visit, name)
    return said if said in words else ""


def _context(visit: Visit, page: Any) -> dict[str, Any]:
    return {"shell": build_shell(visit, room="compliance"), "page": page}


@room(Permission.PARTIES_MANAGE)
def create(visit: Visit) -> HttpResponse:
    """A new party; it is screened as it is kept."""
    if visit.request.method != "POST":
        return _show_form(visit, QueryDict(), reference=asked(visit, "reference"))
    form, made = visit.request.POST, list[str]()

    def effect() -> str:
        said = {name: form.get(name, "").strip() for name in _TYPED}
        record = create_party(
            **{**said, "born_on": read_day(said["born_on"], "The day")},  # type: ignore[arg-type]  # judged by the operation
            aliases=lines([form.get("aliases", "")]),
            identifiers=[_identifier(line) for line in lines([form.get("identifiers", "")])],
            actor=visit.actor(),
            now=visit.now,
        )
        made.append(record.id)
        return f"The party is kept. Its screening: {present.SCREENING_WORDS[record.screening]}."

    try:
        with transaction.atomic():
            answer = act_once(visit, operation="parties.create", effect=effect, to=f"{visit.base}compliance/")
    except DomainError as error:
        return _show_form(visit, form, error=error)
    if made:
        answer.headers["Location"] = f"{visit.base}compliance/parties/{made[0]}/"
    return answer


def read_day(text: str, what: str) -> date | None:
    """A day as date fields send it, or None of nothing; raises FormIncomplete."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FormIncomplete(f"{what} is written like 1969-03-01.") from None


def _identifier(line: str) -> dict[str, str]:
    """ "passport X1234567 US" as its parts; raises FormIncomplete. The value itself is never repeated."""
    kind, *rest = line.split()
    if kind not in IDENTIFIER_TYPES or not rest:
        raise FormIncomplete(
            f"Each identifier is a type ({', '.join(IDENTIFIER_TYPES)}), a number, and perhaps a country."
        )
    has_country = len(rest) > 1 and len(rest[-1]) == 2 and rest[-1].isalpha()
    value = " ".join(rest[:-1] if has_country else rest)
    return {"type": kind, "value": value, "country": rest[-1].upper() if has_country else ""}


def _show_form(visit: Visit, form: QueryDict, *, error: DomainError | None = None, reference: str = "") -> HttpResponse:
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    typed = {name: form.get(name, "") for name in _TYPED}
    page = PartyForm(
        action=f"{visit.base}compliance/parties/new/",
        fields=(
            Field("kind", "Kind", options=present.options(PARTY_KINDS, typed["kind"] or "person")),
            Field("name", "Legal name", typed["name"]),
            Field(
                "reference", "Reference", typed["reference"] or reference, placeholder="as intents name it: customer_88"
            ),
            Field("country", "Country, two letters", typed["country"], placeholder="US"),
            Field("born_on", "Born, or founded", typed["born_on"], "date"),
            Field("risk", "Risk", options=present.options(RISKS, typed["risk"] or "low")),
            Field("segment", "Segment", typed["segment"], placeholder="retail"),
        ),
        aliases=form.get("aliases", ""),
        identifiers=form.get("identifiers", ""),
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
        wrong=tuple((each["field"], each["message"]) for each in (error.extra.get("errors") or ())) if error else (),
    )
    status = error.status if error else 200
    return render(visit.request, "console/compliance/party_new.html", _context(visit, page), status=status)
