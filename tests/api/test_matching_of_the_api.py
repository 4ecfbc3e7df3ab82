"""What matching did and left, read over the API and by the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from tests.reconciliation.matchbook import MONDAY, MatchBook
from zentra.core import clock
from zentra.core.tenancy import TenantRef
from zentra.reconciliation.matching import operations
from zentra.sdk import AsyncZentra, NotFound, Zentra

TUESDAY = date(2026, 4, 7)


@pytest.fixture
def book(workspace: TenantRef) -> MatchBook:
    """Two pairs that the rules match; one line and one entry that they leave; money that is expected."""
    book = MatchBook(workspace)
    book.post(
        {"amount": 500, "reference": "INV-1"}, {"amount": 700, "reference": "INV-2", "on": TUESDAY},
        {"amount": 900, "reference": "INV-3"},
    )  # fmt: skip
    book.state(
        {"amount": 500, "reference": "INV-1"}, {"amount": 700, "reference": "INV-2", "on": TUESDAY},
        {"amount": 901, "reference": "INV-3A"},
    )  # fmt: skip
    book.run()
    book.do(
        operations.expect, account_id=book.account, source="rail_a", reference="PAYOUT-1", amount_minor=400,
        gross_minor=410, fee_minor=10, currency="USD", due_on=date(2090, 1, 2), now=clock.now(),
    )  # fmt: skip
    return book


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(f"/reconciliation{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_summary_says_how_every_account_stands(http: httpx.Client, book: MatchBook) -> None:
    (found,) = get(http, "/summary")["data"]

    assert (found["reconciled_account"], found["currency"], found["closed"]) == (book.account, "USD", False)
    assert (found["lines"], found["lines_matched"], found["lines_open"], found["match_rate_bp"]) == (3, 2, 1, 6666)
    assert (found["lines_open_minor"], found["entries_open"], found["entries_open_minor"]) == (901, 1, 900)
    assert (found["exceptions"], found["last_run"]["status"]) == (1, "done")
    rates = get(http, f"/accounts/{book.account}/match-rates", **{"from": MONDAY, "to": TUESDAY})["data"]
    assert [(each["day"], each["lines"], each["matched"]) for each in rates] == [
        ("2026-04-06", 2, 1), ("2026-04-07", 1, 1),
    ]  # fmt: skip


def test_a_match_is_read_with_what_it_holds_and_why(http: httpx.Client, book: MatchBook) -> None:
    first = get(http, "/matches", limit=1, account_id=book.account, status="confirmed", how="rule", rule="exact")
    second = get(http, "/matches", limit=1, account_id=book.account, rule="exact", cursor=first["next_cursor"])
    listed = first["data"] + second["data"]
    assert (len({each["id"] for each in listed}), second["has_more"]) == (2, False)

    found = get(http, f"/matches/{listed[0]['id']}")
    assert found | listed[0] == found
    assert (len(found["line_ids"]), len(found["entry_ids"]), found["difference_minor"]) == (1, 1, 0)
    assert found["explanation"]["reference"].startswith("INV")
    [line], [entry] = found["line_ids"], found["entry_ids"]
    assert get(http, f"/lines/{line}/matches")["data"] == get(http, f"/entries/{entry}/matches")["data"] == [found]
    assert get(http, f"/entries/{entry}")["match"] == found["id"]
    assert get(http, "/matches", status="undone")["data"] == []


def test_what_is_open_is_listed_with_what_it_could_be(http: httpx.Client, book: MatchBook) -> None:
    (line,) = get(http, f"/accounts/{book.account}/open-lines")["data"]
    (entry,) = get(http, f"/accounts/{book.account}/entries", only="open")["data"]

    assert (line["amount_minor"], entry["amount_minor"], entry["match"]) == (901, 900, None)
    (likely,) = get(http, f"/lines/{line['id']}/suggestions")["data"]
    assert (likely["entry_ids"], likely["difference_minor"] != 0) == ([entry["id"]], True)
    assert {part["name"] for part in likely["parts"]} == {"reference", "amount", "date", "counterparty"}
    assert get(http, f"/entries/{entry['id']}/suggestions", limit=1)["data"][0]["line_ids"] == [line["id"]]
    assert get(http, f"/accounts/{book.account}/open-lines", q="nothing of it")["data"] == []
    day = get(http, f"/accounts/{book.account}/entries", **{"from": TUESDAY, "to": TUESDAY})["data"]
    assert [each["amount_minor"] for each in day] == [700]
    pages, cursor = [], None
    while True:
        page = get(http, f"/accounts/{book.account}/entries", limit=1, **({"cursor": cursor} if cursor else {}))
        pages += [each["amount_minor"] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(pages) == [500, 700, 900]


def test_runs_rules_and_expected_money_are_read(http: httpx.Client, book: MatchBook) -> None:
    book.run(is_dry_run=True)

    dry, run = get(http, "/runs", account_id=book.account)["data"]
    assert (dry["dry_run"], run["dry_run"], run["matches"], run["status"]) == (True, False, 2, "done")
    assert get(http, f"/runs/{run['id']}") == run
    assert [each["rule"] for each in run["by_rule"]] == ["exact"]
    rules = get(http, f"/accounts/{book.account}/rules")
    assert (rules["version"], rules["rules"][0]["kind"]) == (0, "exact")
    (expected,) = get(http, "/expected", status="expected")["data"]
    assert (expected["amount_minor"], expected["due_on"], expected["line"]) == (400, "2090-01-02", None)
    assert get(http, "/expected", status="missing")["data"] == []


def test_what_is_asked_wrongly_is_refused_by_name(http: httpx.Client, book: MatchBook) -> None:
    account, rates = f"/accounts/{book.account}", f"/accounts/{book.account}/match-rates"
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("/matches", {"status": "nice"}, "not_one_of"),
        ("/matches", {"limit": 201}, "out_of_range"),
        ("/matches", {"account_id": "nonsense"}, "bad_id"),
        ("/matches", {"run_id": "nonsense"}, "bad_id"),
        ("/matches", {"cursor": "nonsense"}, "bad_cursor"),
        ("/matches/nonsense", {}, "bad_id"),
        ("/matches/mat_00000000000000000000000000", {}, "match_not_found"),
        ("/runs/mrn_00000000000000000000000000", {}, "matching_run_not_found"),
        ("/entries/entry_00000000000000000000000000", {}, "matching_entry_not_found"),
        ("/entries/entry_00000000000000000000000000/matches", {}, "matching_entry_not_found"),
        ("/lines/lin_00000000000000000000000000/matches", {}, "statement_line_not_found"),
        ("/accounts/rca_00000000000000000000000000/entries", {}, "recon_account_not_found"),
        ("/accounts/rca_00000000000000000000000000/open-lines", {}, "recon_account_not_found"),
        (f"{account}/rules", {"version": 7}, "rule_set_not_found"),
        (f"{account}/entries", {"only": "some"}, "not_one_of"),
        (f"{account}/open-lines", {"q": "x" * 101}, "bad_length"),
        (rates, {"from": "2026-04-01"}, "missing_field"),
        (rates, {"from": "2026-04-02", "to": "2026-04-01"}, "out_of_range"),
        (rates, {"from": "2026-01-01", "to": "2027-01-02"}, "out_of_range"),
        ("/statements", {"month": "2026-13"}, "bad_format"),
    ]
    seen = [
        (path, params, code, found)
        for path, params, code in asked
        if (found := http.get(f"/reconciliation{path}", params=params).json().get("code")) != code
    ]
    assert seen == []


def test_another_tenant_s_matching_is_not_there(
    connect: Callable[..., httpx.Client], other_api_key: str, http: httpx.Client, book: MatchBook
) -> None:
    theirs = connect(other_api_key)
    match = get(http, "/matches")["data"][0]["id"]
    (line,) = get(http, f"/accounts/{book.account}/open-lines")["data"]

    assert [get(theirs, path)["data"] for path in ("/summary", "/matches", "/runs", "/expected")] == [[]] * 4
    for path in (f"/matches/{match}", f"/lines/{line['id']}/suggestions", f"/accounts/{book.account}/entries"):
        assert theirs.get(f"/reconciliation{path}").status_code == 404, path


def test_the_sdk_reads_it_all(zentra: Zentra, book: MatchBook, api_url: str, api_key: str) -> None:
    ours = zentra.reconciliation

    (summary,) = ours.summary()
    assert (summary.lines_open, summary["last_run"]["status"]) == (1, "done")
    assert [each.id for each in ours.accounts.list()] == [book.account]
    (line,) = ours.accounts.iterate_open_lines(book.account)
    (entry,) = ours.accounts.entries(book.account, only="open", start=MONDAY, end=TUESDAY)
    assert len(list(ours.accounts.iterate_entries(book.account, limit=1))) == 3
    assert ours.lines.suggestions(line.id, limit=1).data[0].entry_ids == [entry.id]
    assert ours.entries.suggestions(entry.id).data[0].line_ids == [line.id]
    assert (ours.lines.get(line.id).matched, ours.entries.get(entry.id).match) == (False, None)
    first = next(ours.matches.iterate(limit=1, account_id=book.account))
    found = ours.matches.get(first.id)
    assert [each.id for each in ours.lines.matches(found.line_ids[0])] == [found.id]
    assert [each.id for each in ours.entries.matches(found.entry_ids[0])] == [found.id]
    assert ours.runs.get(next(ours.runs.iterate()).id).matches == 2
    assert [each.amount_minor for each in ours.expected.iterate(status="expected")] == [400]
    assert ours.accounts.rules(book.account, version=0).version == 0
    assert [each.day for each in ours.accounts.match_rates(book.account, start=MONDAY, end=MONDAY)] == ["2026-04-06"]
    with pytest.raises(NotFound, match="match_not_found"):
        ours.matches.get("mat_00000000000000000000000000")

    async def awaited() -> list[object]:
        async with AsyncZentra(api_key=api_key, base_url=api_url) as client:
            theirs = client.reconciliation
            matches = [each.id async for each in theirs.matches.iterate(limit=1)]
            lines = [each.id async for each in theirs.accounts.iterate_open_lines(book.account)]
            return [len(matches), lines, len(await theirs.summary()), len(await theirs.runs.list())]

    assert asyncio.run(awaited()) == [2, [line.id], 1, 1]


def test_the_sdk_imports_waits_and_tells_what_is_wrong(zentra: Zentra, workspace: TenantRef) -> None:
    import io
    import threading

    from tests.reconciliation.banking import IBAN, Ntry, Stmt, camt
    from zentra.reconciliation.statements.tasks import advance_import

    ours = zentra.reconciliation
    account = ours.accounts.open(
        ledger_account="bank", kind="bank", name="House bank", external_id=IBAN, currency="USD"
    )  # fmt: skip
    taken = ours.imports.start(camt(Stmt(opening=0, entries=[Ntry(500)])), format="camt053", idempotency_key="april")
    again = ours.imports.start(camt(Stmt(opening=0, entries=[Ntry(500)])), format="camt053", idempotency_key="april")
    assert (again.id, again.answer.replayed if again.answer else None) == (taken.id, True)
    threading.Thread(
        target=lambda: advance_import(ws=workspace, import_id=taken.id, seconds=60), daemon=True
    ).start()  # fmt: skip
    assert ours.imports.wait(taken.id, seconds=30, pause=0.1).status == "done"
    (statement,) = ours.statements.iterate(account_id=account.id, month="2026-04")
    (line,) = ours.statements.iterate_lines(statement.id, only="open")
    assert ours.statements.get(statement.id).closing_minor == line.amount_minor == 500

    mapping = {"columns": {"booked_on": "Date", "amount": "Amount"}}
    wrong = ours.imports.start(
        io.BytesIO(b"Date,Amount\n2026-05-04,x\n"), format="csv", account_id=account.id, mapping=mapping,
        dry_run=True,
    )  # fmt: skip
    advance_import(ws=workspace, import_id=wrong.id, seconds=60)
    assert ours.imports.get(wrong.id).status == "failed"
    assert [each.code for each in ours.imports.iterate_problems(wrong.id, limit=1)] == ["amount_malformed"]
    assert ours.accounts.save_mapping(account.id, mapping)["mapping"]["columns"]["amount"] == "Amount"
    waiting = ours.imports.start(b"Date,Amount\n2026-06-04,5\n", format="csv", account_id=account.id)
    assert ours.imports.cancel(waiting.id).is_finished
    assert [each.status for each in ours.imports.iterate()] == ["canceled", "failed", "done"]
