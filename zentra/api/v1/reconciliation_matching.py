"""What matching did and left: summaries, runs, matches with their explanation, entries, expected money. Read only:
people match by hand, in the console.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.errors import ValidationError

from zentra.api.doors import answer_json, answer_page, caller_of, door
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.reconciliation_answers import BankLinePage, show_line
from zentra.api.v1.reconciliation_matching_answers import (
    DayRateList,
    ExpectedPage,
    MatchAnswer,
    MatchHistory,
    MatchingRulesAnswer,
    MatchPage,
    ReconciledEntryAnswer,
    ReconciledEntryPage,
    RunAnswer,
    RunPage,
    SuggestionList,
    SummaryList,
    show_entry,
    show_expected,
    show_match,
    show_rate,
    show_rules,
    show_run,
    show_suggestion,
    show_summary,
    show_whole_match,
)
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching import queries
from zentra.reconciliation.matching.queries.bench import list_open_lines
from zentra.reconciliation.matching.types import EntryRecord, ExpectedRecord
from zentra.reconciliation.statements.queries import get_line, get_reconciled_account, list_reconciled_accounts
from zentra.reconciliation.statements.types import LineRecord
from zentra.tenants.permissions import Permission

router = Router(tags=["Reconciliation"])

READ: Final = Permission.RECONCILIATION_READ
ROOT: Final = "/reconciliation"
ACCOUNT: Final = f"{ROOT}/accounts/{{reconciled_account_id}}"
LONGEST_DAYS: Final = 366
AccountId = Annotated[str | None, Query(max_length=60, description="Of this reconciled account.")]
Text = Annotated[str, Query(max_length=100, description="How a reference begins, words of a text, or an amount.")]
Few = Annotated[int, Query(ge=1, le=20, description="How many, at most.")]


@door(router, "GET", f"{ROOT}/summary", permission=READ, response=SummaryList)
def summary(request: HttpRequest) -> HttpResponse:
    """Every reconciled account: what is open on both sides, the match rate, the newest run."""
    with tenant_work(caller_of(request).tenant):
        found = {each.account_id: each for each in queries.summarize_all()}
        accounts = list_reconciled_accounts(includes_closed=True)
    return _whole([show_summary(found[each.id], each) for each in accounts if each.id in found])


@door(router, "GET", f"{ACCOUNT}/match-rates", permission=READ, rate="heavy", response=DayRateList)
def match_rates(
    request: HttpRequest,
    reconciled_account_id: str,
    first: Annotated[date, Query(alias="from")],
    last: Annotated[date, Query(alias="to", description=f"Included; at most {LONGEST_DAYS} days.")],
) -> HttpResponse:
    """Per booking day, how many lines there are and how many are matched."""
    if not timedelta(0) <= last - first < timedelta(days=LONGEST_DAYS):
        words = f"Input should be a day from {first} on, and at most {LONGEST_DAYS} days in all"
        raise ValidationError([{"type": "less_than_equal", "loc": ("query", "to"), "msg": words}])
    with tenant_work(caller_of(request).tenant):
        get_reconciled_account(account_id=reconciled_account_id)
        found = queries.match_rates(account_id=reconciled_account_id, from_on=first, to_on=last)
    return _whole([show_rate(each) for each in found])


@door(router, "GET", f"{ACCOUNT}/rules", permission=READ, response=MatchingRulesAnswer)
def rules(
    request: HttpRequest,
    reconciled_account_id: str,
    version: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The newest, unless named.")] = None,
) -> HttpResponse:
    """The rules by which an account's lines and entries are matched."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_rules(account_id=reconciled_account_id, version=version)
    return answer_json(show_rules(found))


@door(router, "GET", f"{ACCOUNT}/entries", permission=READ, response=ReconciledEntryPage)
def entries(
    request: HttpRequest,
    reconciled_account_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    only: Annotated[Literal["all", "open", "matched"], Query()] = "all",
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to", description="Included.")] = None,
) -> HttpResponse:
    """Entries of the ledger account as matching sees them, oldest first."""

    def read(rows: int, after: Position | None) -> list[EntryRecord]:
        get_reconciled_account(account_id=reconciled_account_id)
        return queries.list_entries(
            account_id=reconciled_account_id, limit=rows, after=_day(after), only=only, from_on=first, to_on=last
        )

    return answer_page(
        request, listing=f"reconciliation.entries.{reconciled_account_id}", limit=limit, cursor=cursor, read=read,
        position=lambda row: (_midnight(row.effective_on), row.id), show=show_entry,
    )  # fmt: skip


@door(router, "GET", f"{ACCOUNT}/open-lines", permission=READ, response=BankLinePage)
def open_lines(
    request: HttpRequest,
    reconciled_account_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    q: Text = "",
) -> HttpResponse:
    """Lines of all statements of an account that no match holds, oldest first."""

    def read(rows: int, after: Position | None) -> list[LineRecord]:
        get_reconciled_account(account_id=reconciled_account_id)
        return list_open_lines(account_id=reconciled_account_id, limit=rows, text=q, after=_day(after))

    return answer_page(
        request, listing=f"reconciliation.open_lines.{reconciled_account_id}", limit=limit, cursor=cursor, read=read,
        position=lambda row: (_midnight(row.booked_on), row.id), show=show_line,
    )  # fmt: skip


@door(router, "GET", f"{ROOT}/entries/{{entry_id}}", permission=READ, response=ReconciledEntryAnswer)
def get_entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    """One entry, and the match that holds it."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_entry(entry_id=entry_id)
    return answer_json(show_entry(found))


@door(router, "GET", f"{ROOT}/entries/{{entry_id}}/matches", permission=READ, response=MatchHistory)
def matches_of_entry(request: HttpRequest, entry_id: str) -> HttpResponse:
    """Every match that ever held an entry."""
    with tenant_work(caller_of(request).tenant):
        queries.get_entry(entry_id=entry_id)
        found = queries.matches_of(entry_id=entry_id)
    return _whole([show_whole_match(each) for each in found])


@door(router, "GET", f"{ROOT}/entries/{{entry_id}}/suggestions", permission=READ, rate="heavy", response=SuggestionList)
def suggestions_for_entry(request: HttpRequest, entry_id: str, limit: Few = 5) -> HttpResponse:
    """Lines that an open entry could be, with reasons; none of them is confirmed."""
    with tenant_work(caller_of(request).tenant):
        found = queries.suggest(entry_id=entry_id, limit=limit)
    return _whole([show_suggestion(each) for each in found])


@door(router, "GET", f"{ROOT}/lines/{{line_id}}/matches", permission=READ, response=MatchHistory)
def matches_of_line(request: HttpRequest, line_id: str) -> HttpResponse:
    """Every match that ever held a line."""
    with tenant_work(caller_of(request).tenant):
        get_line(line_id=line_id)
        found = queries.matches_of(line_id=line_id)
    return _whole([show_whole_match(each) for each in found])


@door(router, "GET", f"{ROOT}/lines/{{line_id}}/suggestions", permission=READ, rate="heavy", response=SuggestionList)
def suggestions_for_line(request: HttpRequest, line_id: str, limit: Few = 5) -> HttpResponse:
    """Entries that an open line could be, with reasons; none of them is confirmed."""
    with tenant_work(caller_of(request).tenant):
        found = queries.suggest(line_id=line_id, limit=limit)
    return _whole([show_suggestion(each) for each in found])


@door(router, "GET", f"{ROOT}/matches", permission=READ, response=MatchPage)
def matches(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    account_id: AccountId = None,
    status: Annotated[Literal["proposed", "confirmed", "undone", "declined"] | None, Query()] = None,
    how: Annotated[Literal["rule", "manual", "forced"] | None, Query()] = None,
    rule: Annotated[str | None, Query(max_length=40, description="The key of a rule.")] = None,
    run_id: Annotated[str | None, Query(max_length=60)] = None,
) -> HttpResponse:
    """Matches, newest first, undone ones too."""
    return answer_page(
        request,
        listing="reconciliation.matches",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: queries.list_matches(
            limit=rows, account_id=account_id, state=status, how=how, rule=rule, run_id=run_id, before=before
        ),
        position=lambda row: (row.made_at, row.id),
        show=show_match,
    )


@door(router, "GET", f"{ROOT}/matches/{{match_id}}", permission=READ, response=MatchAnswer)
def get_match(request: HttpRequest, match_id: str) -> HttpResponse:
    """A match with its lines and entries, and why they are the same money."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_match(match_id=match_id)
    return answer_json(show_whole_match(found))


@door(router, "GET", f"{ROOT}/runs", permission=READ, response=RunPage)
def runs(
    request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, account_id: AccountId = None
) -> HttpResponse:
    """Runs of the rules, newest first, dry ones too."""
    return answer_page(
        request,
        listing="reconciliation.runs",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: queries.list_runs(limit=rows, account_id=account_id, before=before),
        position=lambda row: (row.created_at, row.id),
        show=show_run,
    )


@door(router, "GET", f"{ROOT}/runs/{{run_id}}", permission=READ, response=RunAnswer)
def get_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """A run and what each rule did in it."""
    with tenant_work(caller_of(request).tenant):
        found = queries.get_run(run_id=run_id)
    return answer_json(show_run(found))


@door(router, "GET", f"{ROOT}/expected", permission=READ, response=ExpectedPage)
def expected(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    account_id: AccountId = None,
    status: Annotated[Literal["expected", "arrived", "missing", "written_off"] | None, Query()] = None,
) -> HttpResponse:
    """Money that rails said they pay out, newest first: on its way, arrived, or missing."""

    def read(rows: int, last: Position | None) -> list[ExpectedRecord]:
        after = None if last is None else last[1]
        return queries.list_expected(limit=rows, account_id=account_id, state=status, after=after)

    return answer_page(
        request, listing="reconciliation.expected", limit=limit, cursor=cursor, read=read,
        position=lambda row: (row.made_at, row.id), show=show_expected,
    )  # fmt: skip


def _whole(data: list[dict[str, Any]]) -> HttpResponse:
    """A list that has one page."""
    return answer_json({"data": data, "next_cursor": None, "has_more": False})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _day(last: Position | None) -> tuple[date, str] | None:
    return None if last is None else (last[0].date(), last[1])
