"""The exceptions of a period beside its tie-outs, each with its best suggestion."""

from collections.abc import Iterable, Sequence
from typing import Final

from console.doors import Visit
from console.presenters.closeout import rules_reckoning, tie_reckoning
from console.presenters.exceptions import difference_words, kind_mark, name_of
from console.presenters.finance import amount, columns, day, number, row, sheet
from console.presenters.matches import RULES
from console.presenters.words import NONE
from console.readings.closeout import period_url
from console.types.finance import Cell, CloseoutTab, Sheet
from zentra.reconciliation.closeout.queries import list_aged, list_tie_outs, matched_by_rule
from zentra.reconciliation.closeout.types import PeriodRecord, TieOutRecord
from zentra.reconciliation.matching.desk.queries import list_exceptions
from zentra.reconciliation.matching.desk.types import MOST, ExceptionFilter, ExceptionRecord
from zentra.reconciliation.matching.queries import get_entries, suggest_each
from zentra.reconciliation.matching.types import EntryRecord
from zentra.reconciliation.statements.queries import get_lines
from zentra.reconciliation.statements.types import LineRecord

SUGGESTED: Final = 12


def show(visit: Visit, period: PeriodRecord) -> CloseoutTab:
    """Tie-outs by what they leave, what each rule matched, the exceptions, and below them what has aged."""
    found = [
        each
        for each in list_exceptions(where=ExceptionFilter(), now=visit.now, order="oldest", limit=MOST)
        if each.happened_on <= period.ends_on
    ]
    ties = list_tie_outs(period_id=period.id)
    until = f"{period.ends_on:%d %B}".lstrip("0")
    here = period_url(visit, period)
    reckonings = tuple(tie_reckoning(tie, until=until, link=here) for tie in _by_size(ties))
    shares = rules_reckoning(matched_by_rule(period_id=period.id), RULES)
    return CloseoutTab(
        reckonings=(*reckonings[:1], shares, *reckonings[1:]),
        sheets=(_exception_sheet(visit, found),),
        below=_aged(visit, period),
    )


def _by_size(ties: Sequence[TieOutRecord]) -> list[TieOutRecord]:
    return sorted(ties, key=lambda tie: -abs(tie.figures.unexplained_minor))


def _exception_sheet(visit: Visit, found: list[ExceptionRecord]) -> Sheet:
    best = _best(found[:SUGGESTED])

    def cells(each: ExceptionRecord) -> tuple[Cell | str, ...]:
        link = f"{visit.base}reconciliation/exceptions/{each.id}/"
        told = best.get(each.id, "")
        return (
            Cell(mark=kind_mark(each), url=link),
            day(each.happened_on),
            Cell(f"{name_of(each):.48}", css="id", title=name_of(each)),
            amount(each.amount_minor, each.currency),
            difference_words(each),
            Cell(f"{told:.34}" or _expected(each), css="id", title=told),
            Cell("Match" if told else "Explain", url=link),
        )

    return sheet(
        "Exceptions of the period",
        columns("Exception", "Date", "Line", "Minor units|r", "Difference", "Best suggestion", "|fit"),
        (row(each.id, *cells(each)) for each in found),
        empty_title="Nothing is left to resolve",
        empty_words="What banks and rails said of this period pairs with the ledger, or was dealt with.",
        css="period-exceptions",
    )


def _best(found: Sequence[ExceptionRecord]) -> dict[str, str]:
    """``0.62 intent_A7D1``: the best suggestion of each, by what people know the other side by."""
    hints = suggest_each(
        line_ids=[each.line_id for each in found if each.line_id],
        entry_ids=[each.entry_id for each in found if each.entry_id and not each.line_id],
    )
    about = {each.id: hints.get(each.line_id or each.entry_id or "") for each in found}
    first = {key: best[0] for key, best in about.items() if best}
    entries = {each.id: each for each in get_entries(entry_ids=_ids(each.entry_ids for each in first.values()))}
    lines = {each.id: each for each in get_lines(line_ids=_ids(each.line_ids for each in first.values()))}
    told: dict[str, str] = {}
    for each in found:
        hint = first.get(each.id)
        if hint is None:
            continue
        others: list[EntryRecord | LineRecord] = (
            [entries[at] for at in hint.entry_ids if at in entries]
            if each.line_id
            else [lines[at] for at in hint.line_ids if at in lines]
        )
        if others:
            more = f" +{len(others) - 1}" if len(others) > 1 else ""
            told[each.id] = f"{hint.score:.2f} {_known_by(others[0])}{more}"
    return told


def _ids(groups: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(each for group in groups for each in group))


def _known_by(other: EntryRecord | LineRecord) -> str:
    """An entry's intent or a reference, else the end of its id."""
    intent = other.intent_id if isinstance(other, EntryRecord) else None
    return intent or other.reference or f"…{other.id[-8:]}"


def _expected(each: ExceptionRecord) -> str:
    return "matched once" if each.kind == "duplicate" else NONE


def _aged(visit: Visit, period: PeriodRecord) -> tuple[Sheet, ...]:
    found = list_aged(period_id=period.id, now=visit.now)
    if not found:
        return ()
    return (
        sheet(
            "Suspense and aged items",
            columns("What", "Account", "Age", "Count|r", "Minor units|r"),
            (
                row(
                    f"aged-{at}",
                    each.kind.replace("_", " "),
                    Cell(each.account_code, css="id"),
                    "balance" if each.bucket == "balance" else f"{each.bucket} days",
                    number(each.count),
                    amount(each.amount_minor, each.currency),
                )
                for at, each in enumerate(found)
            ),
            title="Suspense and aged items",
        ),
    )
