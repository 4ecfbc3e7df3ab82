"""The list of exceptions: what its address asks for, its chips, its rows, and who has waited for how long."""

from datetime import date
from typing import Any, Final, get_args

from console import paging
from console.asked import asked
from console.doors import Visit
from console.kept import Refused, open_again
from console.presenters.ages import BUCKET_WORDS
from console.presenters.exceptions import difference_words, kind_mark, name_of, state_mark
from console.presenters.finance import KINDS, amount, columns, day, number, row, sheet
from console.presenters.words import NONE, grouped
from console.readings.exception_forms import owner_asks, reason_options
from console.readings.recon import accounts_by_id, home
from console.types import Chip
from console.types.finance import Act, Ask, Cell, Sheet
from console.types.ledger import Figure
from zentra.reconciliation.matching.desk.codes import EXPLAIN
from zentra.reconciliation.matching.desk.types import (
    BUCKETS,
    AgeBucket,
    AgeCount,
    ExceptionCounts,
    ExceptionFilter,
    ExceptionRecord,
    Order,
)

STATES: Final = (("unresolved", "Not resolved"), ("open", "Open"), ("waiting", "Waiting"), ("resolved", "Resolved"))
_AGES: Final = get_args(AgeBucket)


def where_of(visit: Visit) -> tuple[ExceptionFilter, dict[str, str]]:
    """The filters of the address, and those of them that mean something."""
    account = asked(visit, "account") if asked(visit, "account") in accounts_by_id() else ""
    kind = asked(visit, "kind") if asked(visit, "kind") in KINDS else ""
    state = next((key for key, _ in STATES if key == asked(visit, "state")), "unresolved")
    bucket = next((each for each in _AGES if each == asked(visit, "age").replace(" ", "+")), None)
    owner, text = asked(visit, "owner"), asked(visit, "q")
    owners = {"me": visit.member.user_id, "nobody": ""}
    where = ExceptionFilter(
        account_id=account or None,
        kind=kind or None,
        state=state,  # type: ignore[arg-type]  # one of STATES
        owner_id=owners.get(owner),
        bucket=bucket,
        is_overdue=True if asked(visit, "due") == "overdue" else None,
        text=text or None,
    )
    kept = {
        "account": account,
        "kind": kind,
        "state": "" if state == "unresolved" else state,
        "age": bucket or "",
        "owner": owner if owner in owners else "",
        "due": "overdue" if where.is_overdue else "",
        "q": text,
    }
    return where, kept


def encode(key: tuple[Any, str]) -> str:
    """Where the next page begins, for an address."""
    return f"{key[0].isoformat()}~{key[1]}"


def decode(text: str, order: Order) -> tuple[Any, str] | None:
    """What ``encode`` said; None for anything else."""
    at, _, last = text.partition("~")
    if not last.startswith("exc_") or len(last) > 40:
        return None
    try:
        return (date.fromisoformat(at) if order == "oldest" else _moment(at)), last
    except ValueError:
        return None


def _moment(text: str) -> Any:
    from datetime import datetime

    found = datetime.fromisoformat(text.replace(" ", "+"))
    if found.tzinfo is None:
        raise ValueError
    return found


def figures(counts: ExceptionCounts) -> tuple[Figure, ...]:
    """How many there are, by whom they wait for."""
    return (
        Figure("open", grouped(counts.open), level="alert" if counts.open else "", note="somebody has to act"),
        Figure("waiting", grouped(counts.waiting), note="for a second person or a provider"),
        Figure("overdue", grouped(counts.overdue), level="bad" if counts.overdue else "", note="past their due day"),
        Figure("nobody's", grouped(counts.unowned), note="without an owner"),
        Figure("mine", grouped(counts.mine), note=f"{grouped(counts.waiting_for_me)} wait for my approval"),
    )


def state_filters(here: str, kept: dict[str, str]) -> tuple[Chip, ...]:
    """By state, owner and due day, and in which order."""
    state = kept["state"] or "unresolved"
    others = {key: value for key, value in kept.items() if key not in {"state", "owner", "due"}}
    return (
        *(
            Chip(
                title,
                paging.link(here, **others, state="" if key == "unresolved" else key),
                key == state and not kept["owner"] and not kept["due"],
            )
            for key, title in STATES
        ),
        Chip("Mine", paging.link(here, **others, owner="me"), kept["owner"] == "me"),
        Chip("Nobody's", paging.link(here, **others, owner="nobody"), kept["owner"] == "nobody"),
        Chip("Overdue", paging.link(here, **others, due="overdue"), kept["due"] == "overdue"),
        Chip(
            "Newest first" if not kept["order"] else "Oldest first",
            paging.link(here, **{**kept, "order": "" if kept["order"] else "newest"}),
        ),
    )


def kind_filters(here: str, kept: dict[str, str], ages: tuple[AgeCount, ...]) -> tuple[Chip, ...]:
    """By kind; those that there are."""
    totals: dict[str, int] = {}
    for each in ages:
        totals[each.kind] = totals.get(each.kind, 0) + each.count
    others = {key: value for key, value in kept.items() if key not in {"kind", "age"}}
    return (
        Chip("Every kind", paging.link(here, **others), not kept["kind"]),
        *(
            Chip(title, paging.link(here, **others, kind=kind), kept["kind"] == kind, totals.get(kind))
            for kind, title in KINDS.items()
            if totals.get(kind) or kept["kind"] == kind
        ),
    )


def account_filters(here: str, kept: dict[str, str]) -> tuple[Chip, ...]:
    """By account; nothing while there is one at most."""
    accounts = accounts_by_id()
    others = {key: value for key, value in kept.items() if key != "account"}
    if len(accounts) < 2:
        return ()
    return (
        Chip("Every account", paging.link(here, **others), not kept["account"]),
        *(
            Chip(each.name, paging.link(here, **others, account=each.id), kept["account"] == each.id)
            for each in accounts.values()
        ),
    )


def exceptions_sheet(
    visit: Visit,
    found: list[ExceptionRecord],
    names: dict[str, str],
    *,
    ticks: bool,
    chosen: list[str],
    next_url: str,
    first_url: str,
) -> Sheet:
    """Exceptions as rows, with boxes to tick for who may change several."""
    heads = (
        *(("|tick-cell",) if ticks else ()),
        "Exception",
        "State",
        "Account|opt",
        "Day",
        "What",
        "Minor units|r",
        "Difference",
        "Owner|opt",
        "Age|r",
    )

    def cells(each: ExceptionRecord) -> list[Cell | str]:
        tick = Cell(
            name_of(each),
            tick=each.id if not each.is_resolved else "",
            name="exception",
            is_ticked=each.id in chosen,
        )
        return [
            *((tick,) if ticks else ()),
            Cell(mark=kind_mark(each), url=f"{home(visit)}exceptions/{each.id}/"),
            Cell(mark=state_mark(each)),
            Cell(each.account_name, css="quiet"),
            day(each.happened_on),
            Cell(f"{name_of(each):.48}", css="id", title=name_of(each)),
            amount(each.amount_minor, each.currency),
            difference_words(each),
            Cell(names.get(each.owner_id or "", "nobody"), css="quiet"),
            Cell(f"{each.age_days} d", css="num late" if each.due_at < visit.now and not each.is_resolved else "num"),
        ]

    return sheet(
        "Exceptions",
        columns(*heads),
        (row(each.id, *cells(each)) for each in found),
        empty_title="No exception here",
        empty_words="What banks and rails said pairs with the ledger, or was dealt with.",
        next_url=next_url,
        first_url=first_url,
        form="bulk",
        css="desk-list",
    )


def aging_sheet(ages: tuple[AgeCount, ...], here: str, kept: dict[str, str]) -> Sheet | None:
    """How many have waited for how long, by kind; nothing when none is open."""
    if not ages:
        return None
    by: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for each in ages:
        by.setdefault((each.kind, each.currency), {})[each.bucket] = (each.count, each.amount_minor)

    def cell(kind: str, bucket: str, found: tuple[int, int] | None) -> Cell:
        if found is None:
            return Cell(NONE, css="quiet")
        link = paging.link(here, account=kept["account"], kind=kind, age=bucket)
        return Cell(grouped(found[0]), url=link, note=grouped(found[1]))

    return sheet(
        "Unresolved exceptions by kind and age",
        columns("Kind", *(f"{BUCKET_WORDS[each]}|r" for each in BUCKETS), "All|r"),
        (
            row(
                f"{kind}-{currency}",
                Cell(KINDS[kind], note=currency),
                *(cell(kind, bucket, found.get(bucket)) for bucket in BUCKETS),
                number(sum(count for count, _ in found.values())),
            )
            for (kind, currency), found in sorted(by.items())
        ),
        title="By age",
        label="count and minor units",
        css="aging",
    )


def bulk_acts(visit: Visit, kept: dict[str, str], refused: Refused | None) -> tuple[Act, ...]:
    """What may be done to all that is ticked; what was refused is open with what was typed."""
    here, after = f"{home(visit)}exceptions/", asked(visit, "after")
    assign = Act(
        "bulk-assign",
        "Assign",
        paging.link(f"{here}assign/", **kept, after=after),
        asks=(owner_asks(with_nobody=False),),
    )
    return (
        open_again(assign, refused),
        open_again(_bulk_explain(paging.link(f"{here}explain/", **kept, after=after)), refused),
    )


def _bulk_explain(url: str) -> Act:
    return Act(
        "bulk-explain",
        "Explain",
        url,
        asks=(
            Ask("reason_code", "Reason", options=reason_options(EXPLAIN)),
            Ask("reason", "In words", is_required=False),
        ),
    )
