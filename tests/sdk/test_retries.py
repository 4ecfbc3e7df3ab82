"""A request is sent again only when that is safe, always with the same key, and never for ever."""

import asyncio

import httpx
import pytest

from zentra.sdk import (
    ApiError,
    AsyncZentra,
    AuthenticationError,
    Conflict,
    ConnectionFailed,
    IdempotencyError,
    IdempotencyInFlight,
    InvalidRequest,
    MockTransport,
    NotFound,
    PacketPending,
    PermissionDenied,
    RateLimited,
    ServerError,
    TimedOut,
    UnexpectedAnswer,
    Zentra,
    ZentraError,
    _session,
)

BODY = {"debit": "a", "credit": "b", "amount_minor": 1}
PATH = "/ledger-entries"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(_session.SyncSession.__init__, "__kwdefaults__", {"sleep": taken.append})
    return taken


@pytest.fixture
def mock() -> MockTransport:
    return MockTransport()


@pytest.fixture
def zentra(mock: MockTransport, pauses: list[float]) -> Zentra:
    return Zentra(api_key="zk_test_mock", transport=mock, retries=2)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    zentra: Zentra, mock: MockTransport, pauses: list[float]
) -> None:
    mock.fail("POST", PATH, httpx.ReadError("gone"))
    mock.answer("POST", PATH, json={"status": "posted"}, status=201)

    assert zentra.ledgers.post(BODY).status == "posted"

    keys = {request.headers["idempotency-key"] for request in mock.requests}
    assert (len(mock.requests), len(keys), len(pauses)) == (2, 1, 1)


@pytest.mark.parametrize(
    ("status", "code"),
    [(409, "idempotency_in_flight"), (429, "rate_limited"), (503, "unavailable"), (502, "x"), (504, "x")],
)
def test_refusals_that_pass_by_are_tried_again(
    zentra: Zentra, mock: MockTransport, pauses: list[float], status: int, code: str
) -> None:
    mock.problem("POST", PATH, status=status, code=code, retry_after=3)
    mock.answer("POST", PATH, json={"status": "posted"}, status=201)

    assert zentra.ledgers.post(BODY).status == "posted"
    assert len(pauses) == 1
    assert 3 <= pauses[0] <= 4


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "bad_cursor", InvalidRequest),
        (401, "unknown_key", AuthenticationError),
        (403, "scope_mismatch", PermissionDenied),
        (404, "not_found", NotFound),
        (409, "anything", Conflict),
        (409, "packet_pending", PacketPending),
        (413, "body_too_large", InvalidRequest),
        (422, "idempotency_key_reused", IdempotencyError),
        (422, "unknown_field", InvalidRequest),
        (500, "internal_error", ServerError),
    ],
)
def test_every_other_refusal_is_raised_at_once_as_its_own_type(
    zentra: Zentra, mock: MockTransport, status: int, code: str, error: type[ApiError]
) -> None:
    mock.problem("POST", PATH, status=status, code=code, request_id="req_1", errors=[{"pointer": "/x"}])

    with pytest.raises(error) as raised:
        zentra.ledgers.post(BODY)

    assert type(raised.value) is error
    assert len(mock.requests) == 1
    assert (raised.value.status, raised.value.code, raised.value.request_id) == (status, code, "req_1")
    assert raised.value.errors == [{"pointer": "/x"}]


@pytest.mark.parametrize(
    ("lost", "error"), [(httpx.ConnectError("no"), ConnectionFailed), (httpx.ReadTimeout("slow"), TimedOut)]
)
def test_it_gives_up_after_the_retries_that_were_allowed(
    zentra: Zentra, mock: MockTransport, lost: httpx.TransportError, error: type[ZentraError]
) -> None:
    mock.fail("POST", PATH, lost)

    with pytest.raises(error):
        zentra.ledgers.post(BODY)
    assert len(mock.requests) == 3


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(429, "rate_limited", RateLimited), (409, "idempotency_in_flight", IdempotencyInFlight)],
)
def test_the_last_refusal_is_the_error(
    zentra: Zentra, mock: MockTransport, status: int, code: str, error: type[ZentraError]
) -> None:
    mock.problem("POST", PATH, status=status, code=code)

    with pytest.raises(error):
        zentra.ledgers.post(BODY)
    assert len(mock.requests) == 3


def test_the_awaited_client_retries_alike(monkeypatch: pytest.MonkeyPatch, mock: MockTransport) -> None:
    async def no_pause(seconds: float) -> None:
        return None

    monkeypatch.setattr(_session.AsyncSession.__init__, "__kwdefaults__", {"sleep": no_pause})
    mock.fail("POST", PATH, httpx.ReadError("gone"))
    mock.problem("POST", PATH, status=503, code="unavailable")
    mock.answer("POST", PATH, json={"status": "posted"}, status=201)

    async def run() -> str:
        async with AsyncZentra(api_key="zk_test_mock", transport=mock) as zentra:
            return (await zentra.ledgers.post(BODY)).status

    assert asyncio.run(run()) == "posted"
    assert len({request.headers["idempotency-key"] for request in mock.requests}) == 1


def test_a_pending_packet_is_waited_for_when_asked(zentra: Zentra, mock: MockTransport, pauses: list[float]) -> None:
    mock.problem("GET", "/audit-packets/i", status=409, code="packet_pending", retry_after=2)
    mock.answer("GET", "/audit-packets/i", content=b"PK")

    with pytest.raises(PacketPending):
        zentra.audit_packets.download("i", wait=1)
    mock.problem("GET", "/audit-packets/j", status=409, code="packet_pending", retry_after=2)
    mock.answer("GET", "/audit-packets/j", content=b"PK")
    assert zentra.audit_packets.download("j", wait=30).content == b"PK"
    assert pauses == [2.0]


@pytest.mark.parametrize(
    "answer", [{"status": 502, "content": b"<html>"}, {"status": 201, "content": b"<html>"}, {"status": 302}]
)
def test_an_answer_that_is_not_the_apis_is_named_so(
    zentra: Zentra, mock: MockTransport, answer: dict[str, object]
) -> None:
    mock.answer("POST", PATH, **answer)  # type: ignore[arg-type]

    with pytest.raises(UnexpectedAnswer):
        zentra.ledgers.post(BODY)
