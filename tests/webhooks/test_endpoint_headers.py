"""Custom headers: which may be sent, that they are sealed at rest, and that a sensitive one is never read back."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection

from tests.ledger.book import at_once
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import SUPPORT, event_rows, only_delivery, publish, run_due, subscribe
from webhooks.operations import change_endpoint, remove_endpoint, remove_header, set_header
from webhooks.outbound.directory import EndpointNotFound, settings_of
from webhooks.outbound.endpoints import EndpointRemoved, InvalidEndpointHeader
from webhooks.outbound.endpoints.headers import check_name
from webhooks.outbound.sending import MAX_KEPT_BODY
from webhooks.queries import get_endpoint, list_headers
from webhooks.types import Header, HeaderRecord
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

URL = "https://consumer.example.com/hooks"
PASSWORD = "Basic c3VwcG9ydDpodW50ZXIy"


def headed(ws: TenantRef, *headers: Header) -> str:
    """An endpoint with these headers; its id."""
    return subscribe(ws, URL, headers=headers).endpoint.id


def replace(ws: TenantRef, endpoint_id: str, *headers: Header) -> None:
    with tenant_work(ws):
        change_endpoint(endpoint_id=endpoint_id, version=None, headers=headers, actor=SUPPORT, now=now())


def put(
    ws: TenantRef, endpoint_id: str, name: str, value: str | None, *, sensitive: bool = False
) -> list[HeaderRecord]:
    with tenant_work(ws):
        return set_header(
            endpoint_id=endpoint_id, name=name, value=value, is_sensitive=sensitive, actor=SUPPORT, now=now()
        )


def drop(ws: TenantRef, endpoint_id: str, name: str) -> list[HeaderRecord]:
    with tenant_work(ws):
        return remove_header(endpoint_id=endpoint_id, name=name, actor=SUPPORT, now=now())


def shown(ws: TenantRef, endpoint_id: str) -> list[tuple[str, str | None, bool]]:
    with tenant_work(ws):
        return [(each.name, each.value, each.is_sensitive) for each in list_headers(endpoint_id=endpoint_id)]


def sent(ws: TenantRef, endpoint_id: str) -> dict[str, str]:
    """What the engine would send."""
    with tenant_work(ws):
        return dict(settings_of(endpoint_ids=[endpoint_id], now=now())[endpoint_id].headers)


@pytest.mark.parametrize(
    "name",
    [
        # of the connection
        *("Connection", "keep-alive", "proxy-authorization", "Proxy-Connection", "TE", "trailer", "Transfer-Encoding"),
        *("upgrade", "host", "Host", "expect", "accept-encoding"),
        # ours
        *("content-type", "Content-Length", "content-encoding", "webhook-id", "Webhook-Signature", "webhook-x"),
        *("zentra-sequence", "Zentra-Anything", "user-agent"),
        # malformed
        *("", " ", "x y", "x:y", "x\r\ny", "x\x00", "ä", "x-ä", "ſet-cookie", "\u212aey", "(x)", "x" * 101),
    ],
)
def test_a_header_that_is_not_the_consumers_is_refused(name: str) -> None:
    with pytest.raises(InvalidEndpointHeader):
        check_name(name)


@pytest.mark.parametrize(
    "value", ["", " ", " x", "x ", "x\r\nHost: evil", "x\ny", "x\ry", "x\ty", "x\x00", "x\x7f", "ä", "•••", "x" * 4097]
)
def test_a_value_that_could_be_read_in_two_ways_is_refused_and_not_told(workspace: TenantRef, value: str) -> None:
    with pytest.raises(InvalidEndpointHeader) as refused:
        headed(workspace, Header("x-team", value))
    assert len(value.strip()) < 2 or value not in f"{refused.value.detail} {refused.value.extra}"


def test_names_are_kept_in_lower_case_and_once(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("X-Team", "books"))
    assert shown(workspace, endpoint_id) == [("x-team", "books", False)]
    with pytest.raises(InvalidEndpointHeader):
        replace(workspace, endpoint_id, Header("x-a", "1"), Header("X-A", "2"))


def test_twenty_headers_and_four_kilobytes_are_the_most(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, *(Header(f"x-{number}", "v") for number in range(20)))
    with pytest.raises(InvalidEndpointHeader):
        put(workspace, endpoint_id, "x-one-more", "v")
    with pytest.raises(InvalidEndpointHeader):
        replace(workspace, endpoint_id, Header("x-a", "v" * 2045), Header("x-b", "v" * 2045))
    replace(workspace, endpoint_id, Header("x-a", "v" * 2041), Header("x-b", "v" * 2041))
    assert len(shown(workspace, endpoint_id)) == 2


def test_all_values_are_sealed_at_rest(workspace: TenantRef) -> None:
    headed(workspace, Header("x-team", "books-and-records"), Header("x-pass", PASSWORD, is_sensitive=True))
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT value FROM webhooks_endpoint_header")
        stored = [bytes(row[0]) for row in cursor.fetchall()]
    assert len(stored) == 2
    assert not [each for each in stored if b"books" in each or PASSWORD.encode() in each]


def test_a_sensitive_value_is_sent_and_never_read_back(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-pass", PASSWORD, is_sensitive=True))
    with tenant_work(workspace):
        settings = settings_of(endpoint_ids=[endpoint_id], now=now())[endpoint_id]
        record = get_endpoint(endpoint_id=endpoint_id)

    assert shown(workspace, endpoint_id) == [("x-pass", None, True)]
    assert settings.headers == (("x-pass", PASSWORD),)
    assert settings.sensitive == {"x-pass"}
    assert PASSWORD not in repr(settings) + repr(record) + repr(Header("x-pass", PASSWORD))
    assert PASSWORD not in str(event_rows(workspace, "endpoint.created"))


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "x-auth", "x-access-token", "x-my-secret"])
def test_what_is_named_like_a_secret_is_sensitive_whatever_is_said(workspace: TenantRef, name: str) -> None:
    endpoint_id = headed(workspace, Header(name, PASSWORD, is_sensitive=False))
    assert shown(workspace, endpoint_id) == [(name.lower(), None, True)]


def test_a_list_replaces_all_and_keeps_what_it_gives_no_value_for(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-team", "books"), Header("x-pass", PASSWORD, is_sensitive=True))

    replace(workspace, endpoint_id, Header("x-pass", None, is_sensitive=True), Header("x-new", "1"))

    assert sent(workspace, endpoint_id) == {"x-pass": PASSWORD, "x-new": "1"}
    with pytest.raises(InvalidEndpointHeader):
        replace(workspace, endpoint_id, Header("x-unknown", None))
    assert sent(workspace, endpoint_id) == {"x-pass": PASSWORD, "x-new": "1"}


def test_nobody_reads_a_sensitive_value_by_calling_it_harmless(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-pass", PASSWORD, is_sensitive=True))
    assert put(workspace, endpoint_id, "x-pass", None, sensitive=False) == [HeaderRecord("x-pass", None, True)]
    replace(workspace, endpoint_id, Header("x-pass", None, is_sensitive=False))
    assert shown(workspace, endpoint_id) == [("x-pass", None, True)]

    assert put(workspace, endpoint_id, "x-pass", "new", sensitive=False) == [HeaderRecord("x-pass", "new", False)]


def test_one_header_is_set_and_removed_beside_the_others(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-pass", PASSWORD, is_sensitive=True))

    assert put(workspace, endpoint_id, "X-Team", "books") == [
        HeaderRecord("x-pass", None, True),
        HeaderRecord("x-team", "books", False),
    ]
    assert sent(workspace, endpoint_id) == {"x-pass": PASSWORD, "x-team": "books"}
    assert drop(workspace, endpoint_id, "X-Pass") == [HeaderRecord("x-team", "books", False)]
    assert sent(workspace, endpoint_id) == {"x-team": "books"}
    events = event_rows(workspace, "endpoint.changed")
    assert [event["data"]["fields"] for event in events] == [["headers"], ["headers"]]


def test_the_same_again_changes_nothing(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-team", "books"))
    put(workspace, endpoint_id, "x-team", "books")
    drop(workspace, endpoint_id, "x-other")
    replace(workspace, endpoint_id, Header("X-TEAM", "books"))
    assert event_rows(workspace, "endpoint.changed") == []


def test_headers_set_at_once_are_all_there(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace)
    results = at_once([partial(put, workspace, endpoint_id, f"x-{number}", "v") for number in range(8)], threads=8)
    assert all(isinstance(each, list) for each in results)
    assert len(shown(workspace, endpoint_id)) == 8
    assert sorted(event["data"]["version"] for event in event_rows(workspace, "endpoint.changed")) == list(range(2, 10))


def test_headers_are_sent_and_the_attempt_keeps_dots(workspace: TenantRef, local_webhooks: None) -> None:
    custom = (Header("x-team", "books"), Header("Authorization", PASSWORD))
    with scripted_endpoint(lambda _: Answer()) as endpoint:
        subscribe(workspace, endpoint.url, "account.*", headers=custom)
        publish(workspace)
        run_due()

    [(received, _)] = endpoint.requests
    assert (received["x-team"], received["authorization"]) == ("books", PASSWORD)
    [attempt] = only_delivery(workspace).attempts
    kept = attempt.request_headers
    assert (kept["x-team"], kept["authorization"]) == ("books", "•••")
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT a::text FROM webhooks_attempt a")
        assert PASSWORD not in str(cursor.fetchall())


def test_an_answer_that_repeats_a_sensitive_value_is_kept_with_dots(workspace: TenantRef, local_webhooks: None) -> None:
    echo = Answer(500, {"X-Echo": f"got {PASSWORD}"}, f"you sent {PASSWORD}".encode())
    with scripted_endpoint(lambda _: echo) as endpoint:
        subscribe(workspace, endpoint.url, "account.*", headers=[Header("Authorization", PASSWORD)])
        publish(workspace)
        run_due()
    [attempt] = only_delivery(workspace).attempts
    assert attempt.response_body == "you sent •••".encode()
    assert PASSWORD not in repr(attempt)


def test_a_sensitive_value_is_hidden_where_an_answer_was_cut_within_it(
    workspace: TenantRef, local_webhooks: None
) -> None:
    token = "t0ken-" + "4711" * 300
    value, body = f"Bearer {token}", b"x" * (MAX_KEPT_BODY - 600) + token.encode()
    echo = Answer(500, {"X-Echo": value, "X-Refused": f"no such token: {token}", "X-Long": "x" * 990 + token}, body)
    with scripted_endpoint(lambda _: echo) as endpoint:
        subscribe(workspace, endpoint.url, "account.*", headers=[Header("Authorization", value)])
        publish(workspace)
        run_due()
    [attempt] = only_delivery(workspace).attempts
    assert attempt.is_truncated
    assert "t0ken" not in repr(attempt)


def test_another_host_gets_sensitive_values_only_from_who_knows_them(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-team", "books"), Header("Authorization", PASSWORD))
    moved = "https://elsewhere.example.com/hooks"

    def move(url: str, *headers: Header) -> None:
        given: dict[str, Any] = {"headers": headers} if headers else {}
        with tenant_work(workspace):
            change_endpoint(endpoint_id=endpoint_id, version=None, url=url, actor=SUPPORT, now=now(), **given)

    for url in (moved, URL.replace(".com/", ".com:8443/")):
        with pytest.raises(InvalidEndpointHeader) as refused:
            move(url)
        assert refused.value.extra == {"names": ["authorization"]}
    with pytest.raises(InvalidEndpointHeader):
        move(moved, Header("Authorization", None))
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint_id).url == URL

    move(f"{URL}/deeper")  # the same host
    move(moved, Header("Authorization", "Basic another"))
    assert sent(workspace, endpoint_id) == {"authorization": "Basic another"}
    drop(workspace, endpoint_id, "authorization")
    move(URL)


def test_headers_go_with_the_endpoint(workspace: TenantRef) -> None:
    endpoint_id = headed(workspace, Header("x-pass", PASSWORD, is_sensitive=True))
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=endpoint_id, reason="", actor=SUPPORT, now=now())
    assert shown(workspace, endpoint_id) == []
    with pytest.raises(EndpointRemoved):
        put(workspace, endpoint_id, "x-team", "books")


def test_an_unknown_endpoint_has_no_headers(workspace: TenantRef, other_workspace: TenantRef) -> None:
    theirs = headed(other_workspace, Header("x-team", "books"))
    for endpoint_id in (ids.new_id("whe"), theirs):
        with pytest.raises(EndpointNotFound):
            shown(workspace, endpoint_id)
        with pytest.raises(EndpointNotFound):
            put(workspace, endpoint_id, "x-team", "books")
        with pytest.raises(EndpointNotFound):
            drop(workspace, endpoint_id, "x-team")


def test_the_database_holds_a_name_once(workspace: TenantRef) -> None:
    headed(workspace, Header("x-team", "books"))
    with pytest.raises(IntegrityError), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_endpoint_header (id, endpoint_id, name, value, is_sensitive)"
            " SELECT gen_random_uuid(), endpoint_id, name, value, false FROM webhooks_endpoint_header"
        )
