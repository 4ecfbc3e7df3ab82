"""Accounts over HTTP: describing, freezing, closing, limits, history, statements, charts, monitors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ledger.operations import sequence_entries
from tests.api.ledger_of_writes import Writes
from tests.api.test_ledger_entries import PAIR, get, post, wallet
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_account_says_who_froze_it_and_why(http: httpx.Client, writes: Writes) -> None:
    account = wallet(http)

    frozen = post(http, f"/accounts/{account}/freeze", {"reason": "asked by the police"}, status=200)

    assert (frozen["status"], frozen["event"], frozen["state_reason"]) == (
        "frozen", "account.frozen", "asked by the police")  # fmt: skip
    assert frozen["state_changed_by"]["kind"] == "key"
    assert frozen["state_changed_at"] is not None
    assert code_of(http.post("/ledger-entries", json=PAIR | {"credit": account})) == (409, "account_frozen")
    active = post(http, f"/accounts/{account}/unfreeze", {"reason": "cleared"}, status=200)
    assert active["status"] == "active"
    post(http, "/ledger-entries", PAIR | {"credit": account})
    assert writes.new_types()["account.frozen"] == writes.new_types()["account.unfrozen"] == 1


def test_an_empty_account_closes_for_good(http: httpx.Client) -> None:
    account = wallet(http)

    assert post(http, f"/accounts/{account}/close", {"reason": "left"}, status=200)["status"] == "closed"
    assert code_of(http.post(f"/accounts/{account}/unfreeze", json={"reason": "x"})) == (409, "account_closed")
    assert code_of(http.patch(f"/accounts/{account}", json={"name": "x"})) == (409, "account_closed")


def test_limits_hold_from_now_on(http: httpx.Client) -> None:
    account = wallet(http)
    limits = {"floor_minor": -50, "ceiling_minor": 200, "reason": "an overdraft was agreed"}

    changed = post(http, f"/accounts/{account}/limits", limits, status=200)

    assert (changed["floor_minor"], changed["ceiling_minor"], changed["event"]) == (-50, 200, "account.limits_changed")
    assert code_of(http.post("/ledger-entries", json=PAIR | {"credit": account, "amount_minor": 201})) == (
        409, "balance_limit_exceeded")  # fmt: skip
    post(http, "/ledger-entries", {"debit": account, "credit": "reserved_balance", "amount_minor": 50})


def test_what_describes_an_account_can_change_and_a_repeat_changes_nothing(http: httpx.Client, writes: Writes) -> None:
    account = wallet(http)
    post(http, "/account-categories", {"code": "vip", "name": "Very important"})
    body = {"name": "Ada", "external_id": "x-1", "category": "vip", "metadata": {"tier": 2}, "idempotency_key": "p_1"}
    writes.note()

    first = http.patch(f"/accounts/{account}", json=body)
    second = http.patch(f"/accounts/{account}", json=body)

    changed = first.json()
    assert (changed["name"], changed["external_id"], changed["metadata"]) == ("Ada", "x-1", {"tier": 2})
    assert changed["category_id"].startswith("cat_")
    assert changed["customer"] == "c"
    assert (second.content, second.headers["idempotent-replayed"]) == (first.content, "true")
    assert writes.new_types() == {"account.changed": 1, "idempotency.replayed": 1}
    told = next(event for event in writes.new_events() if event["type"] == "account.changed")
    assert told["data"] == {"account_id": account, "fields": ["category", "external_id", "metadata", "name"]}


def test_a_patch_of_a_field_that_never_changes_is_refused_and_recorded(http: httpx.Client, writes: Writes) -> None:
    account = wallet(http)
    writes.note()

    answer = http.patch(f"/accounts/{account}", json={"currency": "EUR"})

    assert code_of(answer) == (422, "unknown_field")
    assert (writes.new_rows(), writes.new_types()) == ({}, {"ingress.refused": 1})


def test_accounts_are_found_by_state_class_category_and_how_they_are_called(http: httpx.Client) -> None:
    post(http, "/account-categories", {"code": "people", "name": "People"})
    post(http, "/account-categories", {"code": "people.vip", "name": "VIP", "parent": "people"})
    ada = wallet(http, code="ada_1", name="Lovelace", category="people.vip", external_id="EXT_9")
    bob = wallet(http, code="bob_1", customer="Robert")
    post(http, f"/accounts/{bob}/freeze", {"reason": "r"}, status=200)

    def found(**params: Any) -> set[str]:
        return {each["id"] for each in get(http, "/accounts", **params)["data"]} & {ada, bob}

    assert found(q="love") == found(q="EXT") == found(category="people") == {ada}
    assert found(q="rob") == found(state="frozen") == {bob}
    assert found(q="_") == set()
    assert found(type="liability", account_type="operating") == {ada, bob}
    assert found(type="asset") == set()
    assert code_of(http.get("/accounts", params={"category": "nowhere"})) == (422, "unknown_category")


def test_an_account_may_be_hot_or_may_have_limits(http: httpx.Client) -> None:
    hot = post(http, "/accounts", {"customer": "c", "currency": "USD", "account_type": "operating",
                                   "sequencing": "deferred"})  # fmt: skip
    strict = post(http, "/accounts", {"customer": "c", "currency": "USD", "account_type": "merchant",
                                      "floor_minor": 0})  # fmt: skip

    assert (hot["sequencing"], hot["floor_minor"]) == ("deferred", None)
    assert (strict["sequencing"], strict["floor_minor"]) == ("immediate", 0)


def test_balances_now_and_as_of(http: httpx.Client) -> None:
    account = wallet(http)
    post(http, "/ledger-entries", PAIR | {"credit": account, "effective_at": "2026-03-01T12:00:00Z"})
    post(http, "/ledger-entries", PAIR | {"credit": account, "effective_at": "2026-04-01T12:00:00Z"})
    post(http, "/holds", {"account": account, "amount_minor": 30, "reference": "r", "source": "s"})

    now = get(http, f"/accounts/{account}/balances")
    assert (now["posted_minor"], now["pending_out_minor"], now["available_minor"]) == (200, 30, 170)
    assert now["lock_version"] == 3
    assert get(http, f"/accounts/{account}/balances", as_of="2026-02-28")["posted_minor"] == 0
    assert get(http, f"/accounts/{account}/balances", as_of="2026-03-01")["posted_minor"] == 100
    assert get(http, f"/accounts/{account}/balances", as_of="2026-04-01T12:00:00Z")["posted_minor"] == 200
    assert get(http, f"/accounts/{account}/balances", as_of="2026-04-01", basis="recorded")["posted_minor"] == 0
    assert code_of(http.get(f"/accounts/{account}/balances", params={"as_of": "now"})) == (422, "bad_format")
    assert code_of(http.get("/accounts/nobody/balances")) == (404, "account_not_found")


def test_entries_carry_version_and_balance_after(http: httpx.Client) -> None:
    account = wallet(http)
    for amount in (10, 20, 30):
        post(http, "/ledger-entries", PAIR | {"credit": account, "amount_minor": amount})

    page = get(http, f"/accounts/{account}/entries", limit=2)
    rest = get(http, f"/accounts/{account}/entries", limit=2, cursor=page["next_cursor"])

    assert [(e["version"], e["balance_after_minor"]) for e in (*page["data"], *rest["data"])] == [
        (3, 60), (2, 30), (1, 10)]  # fmt: skip
    assert rest["has_more"] is False


def test_a_hot_account_of_a_debit_side_shows_its_balances_the_way_it_counts(
    http: httpx.Client, workspace: TenantRef
) -> None:
    post(http, "/ledger-entries", {"debit": "bank", "credit": "suspense", "amount_minor": 5})
    with tenant_work(workspace):
        sequence_entries(now=clock.now())

    (latest, *_) = get(http, "/accounts/bank/entries")["data"]

    assert latest["balance_after_minor"] == get(http, "/accounts/bank/balances")["posted_minor"]


def test_a_statement_as_pages_csv_and_pdf(http: httpx.Client) -> None:
    account = wallet(http, code="statement_1")
    for day in (1, 5, 9):
        body = PAIR | {"credit": account, "amount_minor": day, "effective_at": f"2026-03-0{day}T12:00:00Z"}
        post(http, "/ledger-entries", body | {"description": "=SUM(A1)"})
    path, period = f"/accounts/{account}/statement", {"from": "2026-03-02", "to": "2026-04-01"}

    first = get(http, path, **period, limit=1)
    second = get(http, path, **period, limit=1, cursor=first["next_cursor"])

    assert (first["opening_minor"], first["closing_minor"], first["credits_minor"]) == (1, 15, 14)
    assert first["is_tied_out"] is True
    assert [line["balance_after_minor"] for line in (*first["data"], *second["data"])] == [6, 15]
    assert second["has_more"] is False
    text = http.get(path, params={**period, "format": "csv"})
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert "statement-statement_1-20260302-20260401.csv" in text.headers["content-disposition"]
    assert (len(text.text.splitlines()), "'=SUM(A1)" in text.text) == (5, True)
    document = http.get(path, params={**period, "format": "pdf"})
    assert (document.headers["content-type"], document.content[:5]) == ("application/pdf", b"%PDF-")
    for form in ("json", "csv", "pdf"):
        turned = http.get(path, params={"from": "2026-04-01", "to": "2026-03-01", "format": form})
        assert code_of(turned) == (422, "invalid_period")


def test_the_course_of_a_balance(http: httpx.Client) -> None:
    account = wallet(http)
    post(http, "/ledger-entries", PAIR | {"credit": account, "effective_at": "2026-03-05T00:00:00Z"})

    course = get(http, f"/accounts/{account}/balance-history", **{"from": "2026-03-01", "to": "2026-03-11"}, points=11)

    assert [point["posted_minor"] for point in course["data"]] == [0] * 5 + [100] * 6


def test_the_chart_of_accounts_adds_up(http: httpx.Client) -> None:
    applied = post(http, "/chart-templates/wallet/apply", {"currency": "EUR"})
    assert applied["accounts_created"]
    again = post(http, "/chart-templates/wallet/apply", {"currency": "EUR"})
    assert (again["accounts_created"], len(again["accounts_kept"])) == ([], len(applied["accounts_created"]))
    funds = {"debit": "wallet.safeguarding_bank", "credit": "wallet.customer_funds", "amount_minor": 700,
             "currency": "EUR"}  # fmt: skip
    post(http, "/ledger-entries", funds)

    tree = get(http, "/account-categories/tree", currency="EUR")
    trial = get(http, "/trial-balance", currency="EUR")

    assert sum(node["total"]["net_minor"] for node in tree["data"]) == 0
    assert next(node for node in tree["data"] if node["code"] == "assets")["total"]["posted_minor"] == 700
    assert (trial["debit_minor"], trial["credit_minor"], trial["is_balanced"]) == (700, 700, True)
    past = get(http, "/trial-balance", currency="EUR", as_of="2020-01-01")
    assert (past["debit_minor"], past["basis"]) == (0, "effective")
    assert get(http, "/trial-balance")["currency"] == "USD"
    assert "wallet" in {template["name"] for template in get(http, "/chart-templates")["data"]}
    assert "assets" in {category["code"] for category in get(http, "/account-categories")["data"]}
    assert code_of(http.post("/chart-templates/none/apply", json={"currency": "EUR"})) == (404, "unknown_chart")


def test_a_monitor_is_added_listed_and_removed(http: httpx.Client) -> None:
    account, other = wallet(http), wallet(http)
    body = {"metric": "available", "comparison": "below", "threshold_minor": 100, "name": "low"}

    added = post(http, f"/accounts/{account}/monitors", body)

    assert (added["is_crossed"], added["threshold_minor"]) == (True, 100)
    assert [each["id"] for each in get(http, f"/accounts/{account}/monitors")["data"]] == [added["id"]]
    assert http.delete(f"/accounts/{other}/monitors/{added['id']}").status_code == 404
    assert http.delete(f"/accounts/{account}/monitors/{added['id']}").json()["removed_at"] is not None
    assert get(http, f"/accounts/{account}/monitors")["data"] == []
    assert http.delete(f"/accounts/{account}/monitors/{added['id']}").status_code == 404


def hold(http: httpx.Client, account: str, **more: Any) -> dict[str, Any]:
    body = {"account": account, "amount_minor": 100, "reference": "auth 1", "source": "card", **more}
    return post(http, "/holds", body)


@pytest.fixture
def funded(http: httpx.Client) -> str:
    account = wallet(http)
    post(http, "/ledger-entries", PAIR | {"credit": account, "amount_minor": 1000})
    return account


def test_a_hold_from_its_placing_to_its_end(http: httpx.Client, funded: str, writes: Writes) -> None:
    writes.note()
    placed = hold(http, funded, release_condition="order shipped", metadata={"order": 7})
    path = f"/holds/{placed['id']}"

    post(http, f"{path}/increase", {"amount_minor": 50, "reason": "a tip"}, status=200)
    part = post(http, f"{path}/capture", {"amount_minor": 120}, status=200)
    rest = post(http, f"{path}/release", {"reason": "the rest is not wanted"}, status=200)

    assert (placed["status"], placed["remaining_minor"], placed["source"]) == ("held", 100, "card")
    assert placed["evidence"].keys() >= {"hold_id", "posting_id", "debit_account", "credit_account"}
    assert (part["captured_minor"], part["remaining_minor"]) == (120, 30)
    assert (rest["released_minor"], rest["remaining_minor"]) == (30, 0)
    detail = get(http, path)
    assert [step["kind"] for step in detail["events"]] == ["placed", "increased", "captured", "released"]
    assert {posting["status"] for posting in detail["postings"]} == {"pending", "released", "posted"}
    assert get(http, f"/accounts/{funded}")["balances"]["available_minor"] == 880
    assert writes.new_types()["hold.placed"] == writes.new_types()["hold.released"] == 1


def test_holds_are_listed_over_all_accounts_by_age_and_by_expiry(http: httpx.Client, funded: str) -> None:
    def later(days: int) -> str:
        return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    first, second, third = hold(http, funded, expires_at=later(9)), hold(http, funded), hold(
        http, funded, expires_at=later(2), source="invoice")  # fmt: skip
    post(http, f"/holds/{second['id']}/release", {"reason": "r"}, status=200)

    def listed(**params: Any) -> list[str]:
        return [each["id"] for each in get(http, "/holds", account=funded, **params)["data"]]

    assert listed() == [third["id"], second["id"], first["id"]]
    assert listed(order="oldest", state="held") == [first["id"], third["id"]]
    assert listed(order="expiry") == [third["id"], first["id"]]
    assert listed(due_before=later(5)) == listed(source="invoice") == [third["id"]]
    page = get(http, "/holds", order="expiry", limit=1)
    assert get(http, "/holds", order="expiry", limit=1, cursor=page["next_cursor"])["data"][0]["id"] == first["id"]
    assert code_of(http.get("/holds", params={"order": "newest", "cursor": page["next_cursor"]})) == (
        400, "bad_cursor")  # fmt: skip


def test_a_hold_is_extended_and_reviewed(http: httpx.Client, funded: str) -> None:
    placed = hold(http, funded)
    end = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    extended = post(http, f"/holds/{placed['id']}/extend", {"expires_at": end, "reason": "late"}, status=200)
    reviewed = post(http, f"/holds/{placed['id']}/review", {"note": "looked at it"}, status=200)

    assert (extended["expires_at"], extended["event"]) == (end, "hold.extended")
    assert (reviewed["review_note"], reviewed["reviewed_by"]["kind"]) == ("looked at it", "key")


def test_two_holds_for_one_intent_are_two_holds(http: httpx.Client, funded: str) -> None:
    assert hold(http, funded, intent_id="i_1")["id"] != hold(http, funded, intent_id="i_1")["id"]


def test_two_captures_at_once_move_the_money_once(http: httpx.Client, funded: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    placed = hold(http, funded)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: http.post(f"/holds/{placed['id']}/capture", json={}), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert get(http, f"/accounts/{funded}")["balances"]["posted_minor"] == 900
