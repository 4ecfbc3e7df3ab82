"""The Ledger room: postings, newest first, narrowed by filters that live in the address."""

from dataclasses import replace
from typing import Final, get_args

from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end, read_moment, read_whole
from console.doors import Visit, room
from console.presenters.postings import posting_line
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import Field, Option
from console.types.postings import LedgerPage
from ledger.queries import find_account, list_currencies, search_postings
from ledger.types import PostingFilters, PostingState
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

PAGE: Final = 50
FILTERS: Final = (
    "account", "purpose", "state", "intent", "reference", "currency", "basis", "from", "to", "min", "max",
)  # fmt: skip
_NAMES: Final = {"min": "at least", "max": "at most"}
_STATES: Final[tuple[PostingState, ...]] = get_args(PostingState)


def tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The views of the Ledger room that this person may enter."""
    here = f"{visit.base}ledger/"
    known = [
        ("postings", "Postings", here, Permission.LEDGER_READ),
        ("trial", "Trial balance", f"{here}trial-balance/", Permission.LEDGER_READ),
        ("health", "Health", f"{here}health/", Permission.LEDGER_READ),
        ("imports", "Imports", f"{here}imports/", Permission.LEDGER_READ),
        ("exports", "Exports", f"{here}exports/", Permission.LEDGER_EXPORT),
    ]
    return tuple(Chip(title, url, key == current) for key, title, url, needed in known if visit.may(needed))


@room(Permission.LEDGER_READ)
def show_ledger(visit: Visit) -> HttpResponse:
    """A page of postings."""
    filters, problem = read_filters(visit)
    before = asked(visit, "before")
    shown, following = (
        ([], None) if problem else search_postings(limit=PAGE, before=paging.decode(before), filters=filters)
    )
    names = names_of(stored.facts.actor.as_dict() for stored in shown)
    page = LedgerPage(
        tabs=tabs(visit, "postings"),
        states=tuple(
            Chip(word or "All", _here(visit, state=word), asked(visit, "state") == word) for word in ("", *_STATES)
        ),
        fields=_fields(visit),
        chosen=_chosen(visit),
        rows=tuple(posting_line(stored, base=visit.base, names=names) for stored in shown),
        kept=(("state", asked(visit, "state")),) if asked(visit, "state") else (),
        clear_url=f"{visit.base}ledger/" if any(asked(visit, name) for name in FILTERS) else "",
        next_url=_here(visit, before=paging.encode(following)) if following else "",
        first_url=_here(visit) if before else "",
        post_url=f"{visit.base}ledger/post/" if visit.may(Permission.LEDGER_POST) else "",
        export_url=paging.link(f"{visit.base}ledger/exports/", **{name: asked(visit, name) for name in FILTERS})
        if visit.may(Permission.LEDGER_EXPORT)
        else "",
        problem=problem,
    )
    return render(visit.request, "console/ledger.html", {"shell": build_shell(visit, room="ledger"), "page": page})


def _here(visit: Visit, **changes: object) -> str:
    return paging.link(f"{visit.base}ledger/", **{**{name: asked(visit, name) for name in FILTERS}, **changes})


def read_filters(visit: Visit, *, said: QueryDict | None = None) -> tuple[PostingFilters, str]:
    """The filters of the address, or of a form, and what is wrong with them, if anything."""
    words = {name: (visit.request.GET if said is None else said).get(name, "").strip() for name in FILTERS}
    account_id, problem = _account(words["account"], words["currency"])
    start, end = read_moment(words["from"]), read_end(words["to"])
    least, most = read_whole(words["min"]), read_whole(words["max"])
    for name, value in (("from", start), ("to", end), ("min", least), ("max", most)):
        if words[name] and value is None:
            kind = "moment" if name in {"from", "to"} else "whole number of minor units"
            problem = f"“{words[name][:40]}” is no {kind}."
    filters = PostingFilters(
        account_id=account_id,
        purpose=words["purpose"] or None,
        intent_id=words["intent"] or None,
        external_reference=words["reference"] or None,
        state=_state(words["state"]),
        currency=words["currency"] or None,
        at_least_minor=least,
        at_most_minor=most,
    )
    if words["basis"] == "effective":
        return replace(filters, effective_from=start, effective_to=end), problem
    return replace(filters, recorded_from=start, recorded_to=end), problem


def _account(ref: str, currency: str) -> tuple[str | None, str]:
    if not ref:
        return None, ""
    try:
        return find_account(ref=ref, currency=currency or None).id, ""
    except DomainError as error:
        return None, error.detail


def _state(text: str) -> PostingState | None:
    return next((word for word in _STATES if word == text), None)


def _fields(visit: Visit) -> tuple[Field, ...]:
    currency = asked(visit, "currency")
    currencies = tuple(dict.fromkeys(["", visit.workspace.ledger_currency, *list_currencies(), currency]))
    return (
        Field("account", "Account", asked(visit, "account"), placeholder="code or acct_…"),
        Field("purpose", "Purpose", asked(visit, "purpose"), placeholder="reserve, manual…"),
        Field("intent", "Intent", asked(visit, "intent"), placeholder="intent_…"),
        Field("reference", "Reference", asked(visit, "reference"), placeholder="external reference"),
        Field(
            "currency", "Currency", options=tuple(Option(each, each or "all", each == currency) for each in currencies)
        ),
        Field("min", "At least", asked(visit, "min"), placeholder="minor units"),
        Field("max", "At most", asked(visit, "max"), placeholder="minor units"),
        Field(
            "basis",
            "Time",
            options=(
                Option("", "recorded", asked(visit, "basis") != "effective"),
                Option("effective", "effective", asked(visit, "basis") == "effective"),
            ),
        ),
        Field("from", "From", asked(visit, "from"), "date"),
        Field("to", "To, included", asked(visit, "to"), "date"),
    )


def _chosen(visit: Visit) -> tuple[Chip, ...]:
    """Each filter that is set, to be taken off again."""
    return tuple(
        Chip(f"{_NAMES.get(name, name)} {asked(visit, name)} ×", _here(visit, **{name: ""}), current=True)
        for name in FILTERS
        if asked(visit, name) and name not in {"state", "basis"}
    )
