"""The documents' calls work as printed, from both clients, with a dict or with keywords."""

import asyncio

import pytest

from zentra.sdk import AsyncZentra, ConfigurationError, MockTransport, Packet, Zentra
from zentra.sdk._auth import Credentials
from zentra.sdk._session import Settings

INTENT = {
    "intent_id": "intent_042",
    "scope": "workspace_scope",
    "money_model": "minor_units + ledger_currency",
    "primitives": ["policy", "ledger", "events"],
}
ACCOUNT = {
    "customer": "customer_ref",
    "currency": "ledger_currency",
    "account_type": "operating",
    "idempotency_key": "acct_live_042",
}
ENTRY = {
    "debit": "customer_balance",
    "credit": "reserved_balance",
    "amount_minor": 125000,
    "idempotency_key": "led_8172",
}


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


@pytest.fixture
def zentra(mock: MockTransport) -> Zentra:
    return Zentra(api_key="zk_test_mock", base_url="https://zentra.test", transport=mock)


def test_the_first_call_of_the_documents_is_sent_verbatim(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/runtime/intents", json=INTENT | {"status": "ledgered", "links": {"self": "/x"}}, status=201)

    intent = zentra.runtime.intents.create(INTENT)

    assert mock.requests[0].json == INTENT
    assert mock.requests[0].headers["authorization"] == "Bearer zk_test_mock"
    assert mock.requests[0].headers["zentra-version"] == "v2026.04"
    assert intent.status == intent["status"] == "ledgered"
    assert intent.links.self == intent["links"]["self"] == "/x"


def test_the_three_calls_can_be_awaited_as_printed(mock: MockTransport) -> None:
    mock.answer("POST", "/runtime/intents", json={"status": "ledgered"}, status=201)
    mock.answer("POST", "/accounts", json={"status": "active", "evidence": {"account_id": "acct_1"}}, status=201)
    mock.answer("POST", "/ledger-entries", json={"status": "posted"}, status=201)

    async def run() -> tuple[str, str, str]:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as zentra:
            intent = await zentra.runtime.intents.create(INTENT)
            account = await zentra.accounts.create(ACCOUNT)
            posting = await zentra.ledgers.post(ENTRY)
            return intent.status, account.evidence.account_id, posting.status

    assert asyncio.run(run()) == ("ledgered", "acct_1", "posted")
    assert [request.json for request in mock.requests] == [INTENT, ACCOUNT, ENTRY]


def test_keywords_are_the_same_as_a_dict(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/ledger-entries", json={"status": "posted"}, status=201)

    zentra.ledgers.post(**ENTRY)

    assert mock.requests[0].json == ENTRY


def test_a_field_given_twice_is_refused_before_anything_is_sent(zentra: Zentra, mock: MockTransport) -> None:
    with pytest.raises(ConfigurationError, match="amount_minor"):
        zentra.ledgers.post(ENTRY, amount_minor=1)
    assert mock.requests == []


def test_wait_true_prefers_ten_seconds(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/runtime/intents", json={"status": "evidenced"}, status=201)

    zentra.runtime.intents.create(INTENT, wait=True)
    zentra.runtime.intents.create(INTENT, wait=3)
    zentra.runtime.intents.create(INTENT)

    assert [request.headers.get("prefer") for request in mock.requests] == ["wait=10", "wait=3", None]


def test_a_wait_longer_than_the_api_allows_is_refused(zentra: Zentra, mock: MockTransport) -> None:
    with pytest.raises(ConfigurationError):
        zentra.runtime.intents.create(INTENT, wait=31)
    assert mock.requests == []


def test_a_call_without_a_key_of_its_own_gets_one(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/ledger-entries", json={"status": "posted"}, status=201)

    zentra.ledgers.post(debit="a", credit="b", amount_minor=1)
    zentra.ledgers.post(debit="a", credit="b", amount_minor=1)

    keys = [request.headers["idempotency-key"] for request in mock.requests]
    assert len(set(keys)) == 2


def test_the_callers_key_or_intent_id_is_the_only_key(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("POST", "/ledger-entries", json={"status": "posted"}, status=201)
    mock.answer("POST", "/runtime/intents", json={"status": "ledgered"}, status=201)

    zentra.ledgers.post(ENTRY)
    zentra.runtime.intents.create(INTENT)

    assert all("idempotency-key" not in request.headers for request in mock.requests)


def test_the_answer_says_whether_it_is_a_replay(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer(
        "POST",
        "/runtime/intents",
        json={"status": "ledgered"},
        headers={"Idempotent-Replayed": "true", "X-Request-Id": "req_1"},
    )

    intent = zentra.runtime.intents.create(INTENT)

    assert intent.answer is not None
    assert intent.answer.replayed
    assert intent.answer.request_id == "req_1"


def test_ids_are_escaped_in_paths(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/runtime/intents/a/b", json={"intent_id": "a/b"})

    zentra.runtime.intents.get("a/b")

    assert mock.requests[0].path == "/runtime/intents/a/b"
    for name in ("", ".", ".."):
        with pytest.raises(ConfigurationError):
            zentra.runtime.intents.get(name)
    assert len(mock.requests) == 1


def test_events_are_iterated_over_pages_until_there_are_no_more(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/events", json={"data": [{"id": "evt_1"}], "next_cursor": "1", "has_more": True})
    mock.answer("GET", "/events", json={"data": [{"id": "evt_2"}], "next_cursor": "2", "has_more": False})

    found = [event.id for event in zentra.events.iterate(after=0, type="ledger.posted")]

    assert found == ["evt_1", "evt_2"]
    assert [request.params["after"] for request in mock.requests] == ["0", "1"]


def test_events_can_be_iterated_awaited(mock: MockTransport) -> None:
    mock.answer("GET", "/events", json={"data": [{"id": "evt_1"}], "next_cursor": "1", "has_more": True})
    mock.answer("GET", "/events", json={"data": [{"id": "evt_2"}], "next_cursor": "2", "has_more": False})

    async def run() -> list[str]:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as zentra:
            return [event.id async for event in zentra.events.iterate()]

    assert asyncio.run(run()) == ["evt_1", "evt_2"]


def test_a_packet_is_downloaded_as_it_was_sealed(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/audit-packets/intent_042", content=b"PK..", headers={"Zentra-Packet-Revision": "2"})

    packet = zentra.audit_packets.download("intent_042")

    assert isinstance(packet, Packet)
    assert (packet.content, packet.revision, packet.filename) == (b"PK..", 2, "intent_042.zip")


def test_a_newer_servers_fields_are_readable(zentra: Zentra, mock: MockTransport) -> None:
    mock.answer("GET", "/accounts/acct_1", json={"id": "acct_1", "brand_new": [{"deep": 1}]})

    account = zentra.accounts.get("acct_1")

    assert account.brand_new[0].deep == 1
    assert account.to_dict() == {"id": "acct_1", "brand_new": [{"deep": 1}]}
    with pytest.raises(AttributeError):
        _ = account.not_there


@pytest.mark.parametrize("base_url", ["https://z.test", "https://z.test/", "https://z.test/v1", "https://z.test/v1/"])
def test_the_base_url_may_end_in_v1_or_not(mock: MockTransport, base_url: str) -> None:
    mock.answer("GET", "/accounts", json={"data": [], "next_cursor": None, "has_more": False})

    assert len(Zentra(api_key="zk_test_mock", base_url=base_url, transport=mock).accounts.list()) == 0


@pytest.mark.parametrize(("api_key", "base_url"), [("", "https://z"), ("zk test", "https://z"), ("zk", "ftp://z")])
def test_settings_that_cannot_work_fail_at_once(api_key: str, base_url: str) -> None:
    with pytest.raises(ConfigurationError):
        Zentra(api_key=api_key, base_url=base_url)


@pytest.mark.parametrize("base_url", ["http://z.test", "http://10.0.0.1:8000", "http://localhost.z.test"])
def test_keys_go_over_plain_http_to_this_machine_only(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        Zentra(api_key="zk_test_mock", base_url=base_url)
    for mine in ("http://localhost:8000", "http://127.0.0.2", "http://[::1]:8000", "https://z.test"):
        Zentra(api_key="zk_test_mock", base_url=mine).close()


def test_what_is_printed_of_a_client_holds_no_secret() -> None:
    for said in ({"api_key": "zk_test_hidden"}, {"client_id": "cli_seen", "client_secret": "zs_test_hidden"}):
        credentials = Credentials(**said)
        settings = Settings.read(credentials=credentials, base_url="https://z.test", retries=0, timeout_seconds=1)
        assert "hidden" not in f"{credentials!r} {settings!r} {settings}"
