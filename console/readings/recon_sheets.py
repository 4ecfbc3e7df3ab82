"""Statements, runs, matches, lines and entries as rows; several pages of reconciliation show them."""

from console.doors import Visit
from console.marks import mark
from console.presenters.finance import amount, columns, day, number, row, sheet
from console.presenters.matches import how_words, match_mark
from console.presenters.words import NONE, moment
from console.readings.recon import accounts_by_id, home, people, who
from console.types import Mark
from console.types.finance import Cell, Sheet
from zentra.reconciliation.matching.types import EntryRecord, MatchRecord, RunRecord
from zentra.reconciliation.statements.types import LineRecord, StatementRecord


def statements_sheet(visit: Visit, statements: list[StatementRecord], *, title: str = "Statements") -> Sheet:
    """Statements, newest first."""
    return sheet(
        "Statements, newest first",
        columns("Statement", "Days", "Lines|r", "Opening|r opt", "Closing|r", "Follows"),
        (
            row(
                each.id,
                Cell(each.external_id, url=f"{home(visit)}statements/{each.id}/", title=each.external_id, css="whole"),
                Cell(_days_of(each), css="num"),
                number(each.lines),
                amount(each.opening_minor, each.currency),
                amount(each.closing_minor, each.currency),
                Cell(mark=continuity(each.continuity)),
            )
            for each in statements
        ),
        title=title,
        empty_title="No statement was imported yet",
        empty_words="Take a file in under Imports; its statements stand here when every check was made.",
    )


def _days_of(statement: StatementRecord) -> str:
    """The day of a statement, or its first and last."""
    first, last = f"{statement.starts_on:%Y-%m-%d}", f"{statement.ends_on:%Y-%m-%d}"
    return first if first == last else f"{first} to {last}"


def continuity(word: str) -> Mark:
    """How a statement follows the one before it."""
    marks = {"first": "pending", "continuous": "sound", "gap": "diverged", "overlap": "diverged", "unknown": "unknown"}
    return mark(marks.get(word, "unknown"), says=word)


def runs_sheet(visit: Visit, runs: list[RunRecord], *, title: str = "") -> Sheet:
    """Runs, newest first."""
    return sheet(
        "Runs, newest first",
        columns("Run", "State", "Rules|opt", "Lines|r opt", "Entries|r opt", "Matches|r", "Age|r"),
        (
            row(
                each.id,
                Cell(
                    f"…{each.id[-8:]}",
                    url=f"{home(visit)}runs/{each.id}/",
                    note="dry run" if each.is_dry_run else "",
                    title=each.id,
                ),
                Cell(mark=mark(each.state)),
                f"version {each.rules_version}",
                number(each.lines),
                number(each.entries),
                number(each.matches),
                Cell(moment=moment(each.created_at, visit.now), css="num quiet"),
            )
            for each in runs
        ),
        title=title,
        empty_title="It was never matched",
        empty_words="A run begins by itself when a statement is complete.",
    )


def matches_sheet(visit: Visit, matches: list[MatchRecord], **said: str) -> Sheet:
    """Matches as rows."""
    names, accounts = people(each.made_by for each in matches), accounts_by_id()
    said.setdefault("empty_title", "No match here")
    said.setdefault("empty_words", "What rules and people match stands here, with what agreed.")
    return sheet(
        "Matches, newest first",
        columns(
            "Match",
            "State",
            "How",
            "Account|opt",
            "Lines|r",
            "Entries|r",
            "Lines come to|r",
            "Fee|r opt",
            "Difference|r",
            "By|opt",
            "Age|r",
        ),
        (
            row(
                each.id,
                Cell(_known_by(each), url=f"{home(visit)}matches/{each.id}/", title=each.id),
                Cell(mark=match_mark(each)),
                how_words(each),
                accounts[each.account_id].name if each.account_id in accounts else NONE,
                number(each.lines),
                number(each.entries),
                amount(each.line_minor, each.currency),
                amount(each.fee_minor or None),
                amount(each.difference_minor),
                who(each.made_by, names),
                Cell(moment=moment(each.made_at, visit.now), css="num quiet"),
            )
            for each in matches
        ),
        **said,
    )


def _known_by(match: MatchRecord) -> str:
    """The reference that agreed, or of one without the id: ids of one run differ in their middle."""
    said = match.explanation.get("reference")
    return said if isinstance(said, str) and said else f"…{match.id[10:]}"


def lines_sheet(visit: Visit, lines: list[LineRecord]) -> Sheet:
    """Lines of a match."""
    return sheet(
        "Lines of statements",
        columns("Line", "Booked", "Text|opt", "Fee|r opt", "Amount|r"),
        (
            row(
                each.id,
                Cell(each.reference or f"line {each.number}", url=f"{home(visit)}lines/{each.id}/"),
                day(each.booked_on),
                Cell(each.description or each.counterparty or NONE, css="quiet"),
                amount(each.fee_minor),
                amount(each.amount_minor, each.currency),
            )
            for each in lines
        ),
        title="Statement",
        empty_title="No line",
        empty_words="Only entries of the ledger that cancel each other out.",
    )


def entries_sheet(visit: Visit, entries: list[EntryRecord]) -> Sheet:
    """Entries of a match."""
    return sheet(
        "Entries of the ledger",
        columns("Entry", "Effective", "Purpose|opt", "Intent|opt", "Amount|r"),
        (
            row(
                each.id,
                Cell(each.reference or f"…{each.id[-8:]}", url=f"{home(visit)}entries/{each.id}/"),
                day(each.effective_on),
                Cell(each.purpose, css="quiet"),
                Cell(each.intent_id or NONE, url=f"{home(visit)}intents/{each.intent_id}/" if each.intent_id else ""),
                amount(each.amount_minor, each.currency),
            )
            for each in entries
        ),
        title="Ledger",
        empty_title="No entry",
        empty_words="Only lines that cancel each other out.",
    )
