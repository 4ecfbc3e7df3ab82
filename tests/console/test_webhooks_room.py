"""The Webhooks room: endpoints and their health, settings, keys, tests; what may be done by whom."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.queries import latest_events
from tests.console.test_accounts_room import form, read
from tests.people import join
from tests.webhooks.servers import Answer, scripted_endpoint
from tests.webhooks.work import publish, run_due, subscribe
from webhooks.operations import change_endpoint
from webhooks.queries import (
    endpoint_health_of,
    get_endpoint,
    health_24h,
    list_endpoints,
    list_headers,
    list_secrets,
    signing_keys,
)
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.crypto import keyed_digest
from zentra.core.idempotency.operations import fingerprint
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.people import Person
    from tests.webhooks.servers import Endpoint

HOOK = "https://example.com/hooks/orders"


@pytest.fixture
def local(settings: Settings) -> None:
    """Loopback addresses may be called, as under ``make up``."""
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True


@pytest.fixture
def endpoint(workspace: TenantRef) -> str:
    """An endpoint that nothing was sent to yet."""
    return subscribe(workspace, HOOK, "ledger.*", "account.created", description="order service").endpoint.id


@pytest.fixture
def consumer(local: None) -> Iterator[Endpoint]:
    """A consumer that refuses its first request and takes the rest."""
    with scripted_endpoint(lambda n: Answer(500, body=b'{"error":"full"}') if n == 1 else Answer(204)) as server:
        yield server


@pytest.fixture
def tried(workspace: TenantRef, consumer: Endpoint) -> str:
    """An endpoint to which two events were sent: the first attempt failed and waits, the other arrived."""
    made = subscribe(workspace, consumer.url).endpoint.id
    for _ in range(2):
        publish(workspace)
        run_due()
    return made


def shown(text: str) -> str:
    return html.unescape(text)


def post(person: Person, path: str, **fields: str) -> tuple[int, str]:
    """Send a form; the status of the answer, and the page that one lands on."""
    client = person.sign_in(Client())
    answer = client.post(f"/w/{person.workspace.slug}/{path}", form(**fields))
    if answer.status_code == 302:
        return 302, shown(client.get(answer.headers["Location"]).content.decode())
    return answer.status_code, shown(answer.content.decode())


def asked(**changes: str) -> dict[str, str]:
    """The form of an endpoint as somebody fills it in."""
    given = {"url": HOOK, "which": "*", "timeout": "10", "in_flight": "10", "rate": "", "schedule": ""}
    return {**given, "api_version": "v2026.04", **changes}


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_front_page_agrees_with_the_database_and_with_the_room(
    workspace: TenantRef, auditor: Person, tried: str
) -> None:
    with tenant_work(workspace):
        health, own = health_24h(now=now()), endpoint_health_of(endpoint_id=tried, now=now())
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FILTER (WHERE state = 'resolved'), count(*) FROM webhooks_delivery")
            resolved, due = cursor.fetchone()
    assert (health.resolved, health.first_due) == (resolved, due)
    page = shown(read(auditor, "webhooks/"))
    assert f"{health.percent:.2f} %" in page
    assert f"{resolved} of {due} resolved" in page
    assert f"{own.attempts} attempts in 24 hours, {own.failed_attempts} failed" in page
    assert f"{health.percent:.2f}" in read(auditor, "").split("webhook health")[1][:200]


def test_the_list_costs_the_same_with_many_endpoints(workspace: TenantRef, auditor: Person, endpoint: str) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/webhooks/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(8):
        subscribe(workspace, f"{HOOK}/{number}")
    with CaptureQueriesContext(connection) as many:
        text = client.get(address).content.decode()
    assert len(many) == len(few) <= 30
    assert f"{HOOK}/7" in text


def test_an_endpoint_is_told_whole_on_its_page(workspace: TenantRef, auditor: Person, tried: str) -> None:
    page = shown(read(auditor, f"webhooks/endpoints/{tried}/"))
    with tenant_work(workspace):
        endpoint = get_endpoint(endpoint_id=tried)
        keys = list_secrets(endpoint_id=tried)
    for said in (endpoint.url, "everything", "10 at once", "no limit", "signs now", endpoint.public_key):
        assert said in page, said
    assert all(key.hint in page for key in keys if key.public_key is None)
    assert "Attempts: " in page  # the plot
    assert "Answered, %" in page  # the table behind it


def test_a_page_never_holds_a_secret(workspace: TenantRef, admin: Person, endpoint: str) -> None:
    with tenant_work(workspace):
        keys = signing_keys(endpoint_id=endpoint, now=now())
    for path in ("webhooks/", f"webhooks/endpoints/{endpoint}/", f"webhooks/endpoints/{endpoint}/settings/"):
        page = read(admin, path)
        assert not any(secret in page for secret in keys.signing)


def test_without_endpoints_the_room_says_what_one_is(workspace: TenantRef, admin: Person, auditor: Person) -> None:
    assert "Add the first endpoint" in read(admin, "webhooks/")
    assert "Add the first endpoint" not in read(auditor, "webhooks/")


def test_an_endpoint_that_is_not_there_is_said_so(workspace: TenantRef, auditor: Person) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/webhooks/endpoints/{ids.new_id('whe')}/")
    assert answer.status_code == 404
    assert "There is no such endpoint" in answer.content.decode()


# --- making and changing ---------------------------------------------------------------------------------------------


def test_an_endpoint_is_added_and_its_secret_is_shown_once(workspace: TenantRef, developer: Person) -> None:
    client, address = developer.sign_in(Client()), f"/w/{workspace.slug}/webhooks/endpoints/new/"
    said: dict[str, object] = {
        **form(**asked(description="order service", which="some", rate="50", schedule="0, 5 s, 5 m")),
        "event": ["ledger.*", "ledger.posted", "hold.placed"],
        "header_name": ["X-Api-Key", ""],
        "header_value": ["hunter2", ""],
        "header_sensitive": ["1"],
    }
    answer = client.post(address, said)
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode()))
    assert answer.headers["Cache-Control"] == "no-store"
    with tenant_work(workspace):
        [made] = list_endpoints()
        [header] = list_headers(endpoint_id=made.id)
        assert secret in signing_keys(endpoint_id=made.id, now=now()).secrets
    assert made.event_filter == ("ledger.*", "hold.placed")  # the pattern covers ledger.posted
    assert (made.rate_per_second, made.schedule, made.description) == (50, (0, 5, 300), "order service")
    assert (header.name, header.value, header.is_sensitive) == ("x-api-key", None, True)
    again = client.post(address, said, follow=True)
    assert "whsec_" not in again.content.decode()
    with tenant_work(workspace):
        assert len(list_endpoints()) == 1


def test_what_a_form_says_cannot_be_guessed_from_its_fingerprint(workspace: TenantRef, developer: Person) -> None:
    """A header's value may be short, and everything else in the form is known to whoever reads the database."""
    address = f"/w/{workspace.slug}/webhooks/endpoints/new/"
    said = form(**asked(header_name="X-Api-Key", header_value="hunter2", header_sensitive="1"))
    developer.sign_in(Client()).post(address, said)
    body = {name: [value] for name, value in said.items() if name != "idempotency_key"}
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint FROM idempotency_key WHERE operation = 'console.endpoints.create'")
        [[kept]] = cursor.fetchall()
    plain = fingerprint(method="POST", route=address, body={**body, "by": developer.id})
    assert bytes(kept) == keyed_digest(plain) != plain


def test_an_endpoint_may_have_to_prove_itself_first(workspace: TenantRef, developer: Person) -> None:
    _, page = post(developer, "webhooks/endpoints/new/", **asked(verify="yes"))
    assert "A test event carries its challenge" in page
    with tenant_work(workspace):
        [made] = list_endpoints()
    page = shown(read(developer, f"webhooks/endpoints/{made.id}/"))
    assert "until it answers its challenge" in page
    assert "/enable/" not in page
    assert "/test/" in page


@pytest.mark.parametrize(
    ("changes", "title", "step"),
    [
        ({"url": "https://169.254.169.254/latest"}, "Webhooks are not sent to this address", "internet can reach"),
        ({"url": "https://10.0.0.7/hook"}, "Webhooks are not sent to this address", "internet can reach"),
        ({"url": "https://me:secret@example.com/"}, "The endpoint URL cannot be used", "Write it whole"),
        ({"which": "some"}, "The event filter cannot be used", "Tick at least one"),
        ({"timeout": "31"}, "The timeout must be between", "1 to 30"),
        ({"rate": "many"}, "Something is missing", "whole number"),
        ({"schedule": "soon"}, "Something is missing", "is no delay"),
        ({"header_name": "webhook-id", "header_value": "x"}, "header", "Choose another name or"),
    ],
)
def test_a_refused_endpoint_comes_back_as_it_was_typed_with_a_next_step(
    workspace: TenantRef, developer: Person, settings: Settings, changes: dict[str, str], title: str, step: str
) -> None:
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = False
    status, page = post(developer, "webhooks/endpoints/new/", **asked(description="typed before", **changes))
    assert status == 422
    assert title in page
    assert step in page
    assert "typed before" in page
    with tenant_work(workspace):
        assert list_endpoints() == []


def test_settings_are_saved_and_a_sensitive_header_keeps_its_value(
    workspace: TenantRef, developer: Person, endpoint: str
) -> None:
    with tenant_work(workspace):
        version = str(get_endpoint(endpoint_id=endpoint).version)
    path = f"webhooks/endpoints/{endpoint}/settings/"
    header = {"header_name": "x-api-key", "header_sensitive": "1"}
    post(developer, path, **asked(version=version, header_value="hunter2", **header))
    page = read(developer, path)
    assert "hunter2" not in page
    [version] = re.findall(r'name="version" value="(\d+)"', page)
    _, said = post(developer, path, **asked(version=version, header_value="", timeout="7", **header))
    assert "what waits is sent by the new settings" in said
    with tenant_work(workspace), connection.cursor() as cursor:
        assert get_endpoint(endpoint_id=endpoint).timeout_seconds == 7
        cursor.execute("SELECT count(*) FROM webhooks_endpoint_header WHERE length(value) > 20")
        assert cursor.fetchone()[0] == 1


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(
    workspace: TenantRef, developer: Person, admin: Person, endpoint: str
) -> None:
    with tenant_work(workspace):
        version = get_endpoint(endpoint_id=endpoint).version
        change_endpoint(
            endpoint_id=endpoint, version=version, actor=admin.actor(), now=now(), description="billing service"
        )
    status, page = post(
        developer, f"webhooks/endpoints/{endpoint}/settings/", **asked(version=str(version), description="mine")
    )
    assert status == 409
    assert "changed by somebody else" in page
    assert 'value="mine"' in page
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint).description == "billing service"


def test_a_key_is_rotated_with_an_overlap_and_the_old_one_ended(
    workspace: TenantRef, developer: Person, endpoint: str
) -> None:
    here = f"webhooks/endpoints/{endpoint}/"
    with tenant_work(workspace):
        [old] = [each for each in list_secrets(endpoint_id=endpoint) if each.kind == "hmac"]
    status, page = post(developer, f"{here}secrets/rotate/", kind="hmac", overlap="24")
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page))
    assert status == 200
    with tenant_work(workspace):
        assert signing_keys(endpoint_id=endpoint, now=now()).secrets[0] == secret
        assert len(signing_keys(endpoint_id=endpoint, now=now()).secrets) == 2
    assert "also valid for 23 h" in read(developer, here)
    post(developer, f"{here}secrets/expire/", secret=old.id)
    with tenant_work(workspace):
        assert signing_keys(endpoint_id=endpoint, now=now()).secrets == (secret,)


def test_an_endpoint_is_disabled_enabled_and_removed_with_reasons(
    workspace: TenantRef, developer: Person, endpoint: str
) -> None:
    here = f"webhooks/endpoints/{endpoint}/"
    assert "Please fill in" in post(developer, f"{here}disable/")[1]
    post(developer, f"{here}disable/", reason="maintenance tonight")
    page = read(developer, here)
    assert "Disabled by a person" in page
    assert "maintenance tonight" in page
    post(developer, f"{here}enable/", reason="done")
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint).state == "enabled"
    _, page = post(developer, f"{here}remove/", reason="service was shut down")
    assert "is removed" in page
    with tenant_work(workspace):
        assert list_endpoints() == []
    page = read(developer, here)
    assert "This endpoint is removed" in page
    assert f"/{here}test/" not in page


def test_a_test_event_is_shown_arriving(workspace: TenantRef, developer: Person, consumer: Endpoint) -> None:
    made = subscribe(workspace, consumer.url, "hold.placed").endpoint.id
    client = developer.sign_in(Client())
    answer = client.post(f"/w/{workspace.slug}/webhooks/endpoints/{made}/test/", form())
    address = answer.headers["Location"]
    assert "?test=evt_" in address
    waiting = client.get(address).content.decode()
    assert "waits for the sealer" in waiting
    assert "every 700ms" in waiting
    publish(workspace)
    run_due()
    told = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "It did not arrive: answered 500" in told  # the consumer refuses the first
    assert "every 700ms" not in told
    assert "<html" not in told


# --- who may ---------------------------------------------------------------------------------------------------------


def test_who_may_only_read_sees_no_actions_and_is_refused(workspace: TenantRef, endpoint: str) -> None:
    person = join(workspace, role="support")
    client, here = person.sign_in(Client()), f"/w/{workspace.slug}/webhooks/endpoints/{endpoint}/"
    page = client.get(here).content.decode()
    for act in ("test", "disable", "enable", "remove", "secrets/rotate", "secrets/expire", "settings"):
        assert f"{here}{act}/" not in page
        assert client.post(f"{here}{act}/", form(reason="mine")).status_code == 403
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    assert client.get(f"/w/{workspace.slug}/webhooks/endpoints/new/").status_code == 403
    with tenant_work(workspace):
        assert get_endpoint(endpoint_id=endpoint).version == 1


def test_an_outsider_is_told_nothing(workspace: TenantRef, outsider: Person, endpoint: str) -> None:
    client = outsider.sign_in(Client())
    for path in ("", f"endpoints/{endpoint}/", "deliveries/", "attempts/", "replays/"):
        answer = client.get(f"/w/{workspace.slug}/webhooks/{path}")
        assert answer.status_code == 404
        assert "example.com" not in answer.content.decode()
