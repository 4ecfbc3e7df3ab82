"""Making an endpoint, and changing what it wants and how it is called."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection

from tests.ledger.book import at_once
from tests.webhooks.work import DEVELOPER, SUPPORT, event_rows, subscribe
from webhooks.operations import change_endpoint, create_endpoint, disable_endpoint, remove_endpoint
from webhooks.outbound.addresses import AddressRefused, InvalidEndpointUrl
from webhooks.outbound.directory import EndpointNotFound
from webhooks.outbound.endpoints import (
    EndpointRemoved,
    InvalidEndpointHeader,
    InvalidEndpointInFlight,
    InvalidEndpointRate,
    InvalidEndpointSchedule,
    InvalidEndpointSecret,
    InvalidEndpointTimeout,
    InvalidEndpointVersion,
    StaleEndpoint,
)
from webhooks.outbound.subscription import InvalidEventFilter
from webhooks.queries import get_endpoint, list_endpoints
from webhooks.types import EndpointRecord, Header
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.ids import BadId
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from zentra.core.errors import DomainError

URL = "https://consumer.example.com/hooks"


def change(ws: TenantRef, endpoint_id: str, *, version: int | None = None, **given: Any) -> EndpointRecord:
    with tenant_work(ws):
        return change_endpoint(endpoint_id=endpoint_id, version=version, actor=SUPPORT, now=now(), **given)


def lane_of(endpoint_id: str) -> tuple[int, int | None] | None:
    """(max_in_flight, rate_per_second) as the queue knows them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max_in_flight, rate_per_second FROM public.work_lane WHERE lane = %s", [endpoint_id])
        found = cursor.fetchone()
    return None if found is None else (found[0], found[1])


def break_circuit(ws: TenantRef, endpoint_id: str) -> None:
    with tenant_work(ws), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_endpoint SET breaker = 'open', breaker_until = now(), breaker_opens = 3 WHERE id = %s",
            [ids.to_uuid(endpoint_id, prefix="whe")],
        )


BAD_SETTINGS: list[tuple[dict[str, Any], type[DomainError]]] = [
    ({"url": "ftp://example.com"}, InvalidEndpointUrl),
    ({"url": "https://169.254.169.254/"}, AddressRefused),
    ({"event_filter": ["nonsense"]}, InvalidEventFilter),
    ({"event_filter": []}, InvalidEventFilter),
    ({"timeout_seconds": 0}, InvalidEndpointTimeout),
    ({"timeout_seconds": 31}, InvalidEndpointTimeout),
    ({"timeout_seconds": True}, InvalidEndpointTimeout),
    ({"rate_per_second": 0}, InvalidEndpointRate),
    ({"rate_per_second": 1001}, InvalidEndpointRate),
    ({"max_in_flight": 0}, InvalidEndpointInFlight),
    ({"max_in_flight": 101}, InvalidEndpointInFlight),
    ({"schedule": []}, InvalidEndpointSchedule),
    ({"schedule": [0] * 21}, InvalidEndpointSchedule),
    ({"schedule": [0, -1]}, InvalidEndpointSchedule),
    ({"schedule": [604_801]}, InvalidEndpointSchedule),
    ({"api_version": "v1999.01"}, InvalidEndpointVersion),
    ({"headers": [Header("host", "example.com")]}, InvalidEndpointHeader),
]


# -- Making ------------------------------------------------------------------------------------------------------------


def test_an_endpoint_has_what_it_was_given(workspace: TenantRef) -> None:
    created = subscribe(
        workspace,
        URL,
        "ledger.*",
        description="books",
        timeout_seconds=5,
        rate_per_second=50,
        max_in_flight=3,
        schedule=[0, 60, 3600],
    )

    with tenant_work(workspace):
        found = get_endpoint(endpoint_id=created.endpoint.id)
        assert [each.id for each in list_endpoints()] == [found.id]

    assert found == created.endpoint
    assert (found.url, found.description, found.event_filter) == (URL, "books", ("ledger.*",))
    assert (found.timeout_seconds, found.rate_per_second, found.max_in_flight) == (5, 50, 3)
    assert (found.schedule, found.api_version, found.state, found.version) == ((0, 60, 3600), "v2026.04", "enabled", 1)
    assert created.secret.startswith("whsec_")
    assert found.public_key.startswith("whpk_")
    assert lane_of(found.id) == (3, 50)
    [event] = event_rows(workspace, "endpoint.created")
    assert event["data"] == {"endpoint_id": found.id, "event_filter": ["ledger.*"]}


def test_an_own_secret_is_taken(workspace: TenantRef) -> None:
    own = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert subscribe(workspace, URL, secret=own).secret == own


@pytest.mark.parametrize(
    "secret", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%%", "whsk_" + "A" * 43, "whsec_é"]
)
def test_an_own_secret_that_cannot_sign_is_refused_without_being_told(workspace: TenantRef, secret: str) -> None:
    with pytest.raises(InvalidEndpointSecret) as refused:
        subscribe(workspace, URL, secret=secret)
    assert not secret or secret not in f"{refused.value.detail} {refused.value.extra}"
    with tenant_work(workspace):
        assert list_endpoints() == []


@pytest.mark.parametrize(("given", "error"), BAD_SETTINGS)
def test_what_cannot_be_used_is_refused_and_nothing_is_made(
    workspace: TenantRef, given: dict[str, Any], error: type[DomainError]
) -> None:
    wanted: dict[str, Any] = {"url": URL, "actor": DEVELOPER, "now": now(), **given}
    with tenant_work(workspace):
        with pytest.raises(error):
            create_endpoint(**wanted)
        assert list_endpoints() == []
    assert event_rows(workspace, "endpoint.created") == []


# -- Changing ----------------------------------------------------------------------------------------------------------


def test_only_what_is_given_changes(workspace: TenantRef) -> None:
    before = subscribe(workspace, URL, "ledger.*", rate_per_second=50, schedule=[0, 1]).endpoint

    after = change(workspace, before.id, version=1, timeout_seconds=7, event_filter=["hold.*", "hold.*"])

    assert after.changed_at is not None
    expected = asdict(before) | {"timeout_seconds": 7, "event_filter": ("hold.*",), "version": 2}
    assert asdict(after) == expected | {"changed_at": after.changed_at}
    [event] = event_rows(workspace, "endpoint.changed")
    assert event["data"] == {"endpoint_id": before.id, "version": 2, "fields": ["event_filter", "timeout_seconds"]}
    assert event["actor"]["id"] == SUPPORT.id


def test_none_is_a_value_of_a_rate_and_a_schedule(workspace: TenantRef) -> None:
    before = subscribe(workspace, URL, rate_per_second=50, schedule=[0, 1]).endpoint

    after = change(workspace, before.id, rate_per_second=None, schedule=None)

    assert (after.rate_per_second, after.schedule) == (None, None)
    assert lane_of(before.id) == (10, None)


def test_the_queue_learns_of_another_capacity(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    change(workspace, endpoint.id, max_in_flight=40, rate_per_second=100)
    assert lane_of(endpoint.id) == (40, 100)


def test_a_url_is_told_to_nobody_for_ever(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, f"{URL}?token=first").endpoint
    change(workspace, endpoint.id, url=f"{URL}?token=second")
    told = str(event_rows(workspace, "endpoint.created") + event_rows(workspace, "endpoint.changed"))
    assert "token" not in told
    assert "'url'" in told


def test_a_change_to_what_is_there_changes_nothing(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL, timeout_seconds=7).endpoint
    first = change(workspace, endpoint.id, version=1, timeout_seconds=8)

    repeated = change(workspace, endpoint.id, version=1, timeout_seconds=8)  # the answer was lost

    assert repeated == first
    assert len(event_rows(workspace, "endpoint.changed")) == 1


def test_a_change_from_an_old_version_is_refused(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    change(workspace, endpoint.id, version=1, timeout_seconds=8)

    with pytest.raises(StaleEndpoint) as refused:
        change(workspace, endpoint.id, version=1, timeout_seconds=9)

    assert refused.value.extra == {"version": 2}
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint.id).timeout_seconds == 8


def test_of_two_who_change_the_same_version_one_wins(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint

    results = at_once(
        [partial(change, workspace, endpoint.id, version=1, timeout_seconds=seconds) for seconds in range(1, 9)],
        threads=8,
    )

    won = [each for each in results if isinstance(each, EndpointRecord)]
    assert len(won) == 1
    assert {type(each) for each in results if each not in won} == {StaleEndpoint}
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint.id) == won[0]
    assert len(event_rows(workspace, "endpoint.changed")) == 1


def test_changes_without_a_version_all_happen(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    results = at_once([partial(change, workspace, endpoint.id, max_in_flight=cap) for cap in range(20, 28)], threads=8)
    assert all(isinstance(each, EndpointRecord) for each in results)
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint.id).version == 9
    assert len(event_rows(workspace, "endpoint.changed")) == 8


@pytest.mark.parametrize(("given", "error"), BAD_SETTINGS)
def test_a_change_to_what_cannot_be_used_is_refused(
    workspace: TenantRef, given: dict[str, Any], error: type[DomainError]
) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    with pytest.raises(error):
        change(workspace, endpoint.id, **given)
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint.id) == endpoint


def test_another_target_closes_the_breaker_and_other_settings_do_not(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    break_circuit(workspace, endpoint.id)

    assert change(workspace, endpoint.id, max_in_flight=5).breaker == "open"
    assert change(workspace, endpoint.id, url=f"{URL}/new").breaker == "closed"


def test_a_removed_endpoint_is_not_changed(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    with tenant_work(workspace):
        remove_endpoint(endpoint_id=endpoint.id, reason="", actor=SUPPORT, now=now())
    with pytest.raises(EndpointRemoved):
        change(workspace, endpoint.id, timeout_seconds=8)


def test_a_disabled_endpoint_may_be_changed(workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    with tenant_work(workspace):
        disable_endpoint(endpoint_id=endpoint.id, reason="", actor=SUPPORT, now=now())
    assert change(workspace, endpoint.id, url=f"{URL}/new").state == "disabled"


@pytest.mark.parametrize(
    ("endpoint_id", "error"), [("whe_01m7z693wke00v3evjg7aykx2x", EndpointNotFound), ("whe_x", BadId)]
)
def test_an_unknown_endpoint_is_not_changed(workspace: TenantRef, endpoint_id: str, error: type[DomainError]) -> None:
    with pytest.raises(error):
        change(workspace, endpoint_id, timeout_seconds=8)


def test_another_tenants_endpoint_is_unknown(workspace: TenantRef, other_workspace: TenantRef) -> None:
    endpoint = subscribe(workspace, URL).endpoint
    with pytest.raises(EndpointNotFound):
        change(other_workspace, endpoint.id, timeout_seconds=8)


@pytest.mark.parametrize("setting", ["timeout_seconds = 31", "rate_per_second = 0", "max_in_flight = 101"])
def test_the_database_holds_the_bounds_too(workspace: TenantRef, setting: str) -> None:
    subscribe(workspace, URL)
    with pytest.raises(IntegrityError), tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(f"UPDATE webhooks_endpoint SET {setting}")
