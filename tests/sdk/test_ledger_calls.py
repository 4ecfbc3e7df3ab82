"""The ledger's calls: what is sent, how it is read, and that both clients have the same."""

import asyncio
import inspect
from datetime import UTC, date, datetime
from typing import Any

import pytest

from zentra.sdk import AsyncZentra, ConfigurationError, MockTransport, Zentra, _ledger, _ledger_async

PAIR = {"debit": "a", "credit": "b", "amount_minor": 5}
PAGE = {"data": [{"id": "x"}], "next_cursor": None, "has_more": False}


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


@pytest.fixture
def zentra(mock: MockTransport) -> Zentra:
    return Zentra(api_key="zk_test_mock", base_url="https://zentra.test", transport=mock)


WRITES: list[tuple[Any, str, str, dict[str, Any]]] = [
    (lambda z: z.accounts.change("acct_1", name="Ada"), "PATCH", "/accounts/acct_1", {"name": "Ada"}),
    (lambda z: z.accounts.freeze("acct_1", reason="r"), "POST", "/accounts/acct_1/freeze", {"reason": "r"}),
    (lambda z: z.accounts.unfreeze("acct_1", reason="r"), "POST", "/accounts/acct_1/unfreeze", {"reason": "r"}),
    (lambda z: z.accounts.close("acct_1", reason="r"), "POST", "/accounts/acct_1/close", {"reason": "r"}),
    (lambda z: z.accounts.set_limits("acct_1", floor_minor=0, ceiling_minor=None, reason="r"), "POST",
     "/accounts/acct_1/limits", {"floor_minor": 0, "ceiling_minor": None, "reason": "r"}),
    (lambda z: z.ledgers.batch([PAIR], mode="each"), "POST", "/ledger-entries/batch",
     {"mode": "each", "entries": [PAIR]}),
    (lambda z: z.ledgers.reverse("posting_1", reason="r", amount_minor=2), "POST", "/postings/posting_1/reverse",
     {"reason": "r", "amount_minor": 2}),
    (lambda z: z.ledgers.correct("posting_1", PAIR, reason="r"), "POST", "/postings/posting_1/correct",
     PAIR | {"reason": "r"}),
    (lambda z: z.ledgers.settle("posting_1"), "POST", "/postings/posting_1/post", {}),
    (lambda z: z.ledgers.void("posting_1", reason="r"), "POST", "/postings/posting_1/void", {"reason": "r"}),
    (lambda z: z.holds.place(account="a", amount_minor=5, reference="r", source="s", intent_id="i"), "POST", "/holds",
     {"account": "a", "amount_minor": 5, "reference": "r", "source": "s", "intent_id": "i"}),
    (lambda z: z.holds.capture("hold_1", amount_minor=3), "POST", "/holds/hold_1/capture", {"amount_minor": 3}),
    (lambda z: z.holds.release("hold_1", reason="r"), "POST", "/holds/hold_1/release", {"reason": "r"}),
    (lambda z: z.holds.increase("hold_1", amount_minor=3, reason="r"), "POST", "/holds/hold_1/increase",
     {"amount_minor": 3, "reason": "r"}),
    (lambda z: z.holds.extend("hold_1", expires_at=datetime(2027, 1, 1, tzinfo=UTC), reason="r"), "POST",
     "/holds/hold_1/extend", {"expires_at": "2027-01-01T00:00:00Z", "reason": "r"}),
    (lambda z: z.holds.review("hold_1", note="n"), "POST", "/holds/hold_1/review", {"note": "n"}),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "method", "path", "body"), WRITES, ids=[f"{m} {p}" for _, m, p, _ in WRITES])
def test_a_write_is_sent_as_the_api_names_it_and_brings_a_key(
    zentra: Zentra, mock: MockTransport, ask: Any, method: str, path: str, body: dict[str, Any]
) -> None:
    mock.answer(method, path, json={"id": "x", "status": "done"})

    assert ask(zentra).status == "done"
    assert mock.requests[0].json == body
    assert len(mock.requests[0].headers["idempotency-key"]) == 36


READS: list[tuple[Any, str, dict[str, str]]] = [
    (lambda z: z.accounts.list(state="frozen", q="ada"), "/accounts", {"state": "frozen", "q": "ada"}),
    (lambda z: z.accounts.balances("a", as_of=date(2026, 4, 1)), "/accounts/a/balances", {"as_of": "2026-04-01"}),
    (lambda z: z.accounts.entries("a", limit=3), "/accounts/a/entries", {"limit": "3"}),
    (lambda z: z.accounts.statement("a", start="2026-01-01", end=date(2026, 2, 1)), "/accounts/a/statement",
     {"from": "2026-01-01", "to": "2026-02-01"}),
    (lambda z: z.accounts.balance_history("a", start="2026-01-01", end="2026-02-01", points=5),
     "/accounts/a/balance-history", {"from": "2026-01-01", "to": "2026-02-01", "points": "5"}),
    (lambda z: z.ledgers.list(account="a", min_amount=5), "/ledger-entries", {"account": "a", "min_amount": "5"}),
    (lambda z: z.ledgers.detail("posting_1"), "/postings/posting_1", {}),
    (lambda z: z.ledgers.trial_balance(currency="EUR"), "/trial-balance", {"currency": "EUR"}),
    (lambda z: z.holds.list(order="expiry"), "/holds", {"order": "expiry"}),
    (lambda z: z.holds.get("hold_1"), "/holds/hold_1", {}),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "path", "params"), READS, ids=[path for _, path, _ in READS])
def test_a_reading_asks_for_what_was_said_only(
    zentra: Zentra, mock: MockTransport, ask: Any, path: str, params: dict[str, str]
) -> None:
    mock.answer("GET", path, json=PAGE)

    ask(zentra)

    assert mock.requests[0].params == params


def test_a_preview_is_a_dry_run(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/ledger-entries", json={"status": "posted", "balances": [{"posted_minor": 5}]})

    assert zentra.ledgers.preview(PAIR).balances[0].posted_minor == 5
    assert mock.requests[0].params == {"dry_run": "true"}


def test_a_statement_is_downloaded_as_it_is(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/accounts/a/statement", content=b"%PDF-")

    assert zentra.accounts.download_statement("a", start="2026-01-01", end="2026-02-01", format="pdf") == b"%PDF-"


def test_a_moment_without_its_zone_is_refused_before_anything_is_sent(zentra: Zentra, mock: MockTransport) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # what is to be refused

    with pytest.raises(ConfigurationError):
        zentra.accounts.balances("a", as_of=naive)
    with pytest.raises(ConfigurationError):
        zentra.ledgers.post(PAIR, effective_at=naive)
    with pytest.raises(ConfigurationError):
        zentra.ledgers.batch([])
    assert mock.requests == []


def test_lists_are_walked_in_both_clients(zentra: Zentra, mock: MockTransport) -> None:
    for path in ("/holds", "/accounts/a/entries"):
        mock.answer("GET", path, json={"data": [{"id": "1"}], "next_cursor": "c", "has_more": True})
        mock.answer("GET", path, json={"data": [{"id": "2"}], "next_cursor": None, "has_more": False})

    async def awaited() -> list[str]:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as client:
            return [entry.id async for entry in client.accounts.iterate_entries("a")]

    assert [hold.id for hold in zentra.holds.iterate()] == ["1", "2"]
    assert asyncio.run(awaited()) == ["1", "2"]


@pytest.mark.parametrize("name", ["Accounts", "Ledgers", "Holds"])
def test_the_awaited_client_has_the_same_methods_with_the_same_words(name: str) -> None:
    def methods(owner: type) -> dict[str, list[str]]:
        found = inspect.getmembers(owner, inspect.isfunction)
        return {each: list(inspect.signature(call).parameters) for each, call in found if not each.startswith("__")}

    assert methods(getattr(_ledger, name)) == methods(getattr(_ledger_async, f"Async{name}"))
