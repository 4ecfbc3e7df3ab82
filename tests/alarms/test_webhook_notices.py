"""Signed webhooks about alarms: verified by the public package, tried again, never sent where they must not go."""

import json
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.alarms.desk import after, clear_all, hook_to, mail_to, notices, raise_one, send_due, told
from tests.webhooks.servers import Answer, scripted_endpoint
from zentra.alarms.operations.notices import Claim, Result
from zentra.alarms.watch import Messenger
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work


def verify(secret: str | None, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    assert secret is not None
    return dict(Webhook(secret).verify(body, headers))


def send_now(ws: TenantRef) -> None:
    """Send at this moment, because the public verifier reads the real clock."""
    send_due(ws, at=(clock.now() - after(0)).total_seconds())


def test_the_public_verifier_accepts_it_and_refuses_another_body(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(204)) as endpoint:
        made = hook_to(workspace, endpoint.url)
        alarm = raise_one(workspace, "EUR")
        send_now(workspace)

    assert told(workspace) == [("raised", "sent")], notices(workspace)[0].error
    [(headers, body)] = endpoint.requests
    said = verify(made.secret, headers, body)
    assert said["type"] == "alarm.raised"
    assert said["id"] == headers["webhook-id"] == notices(workspace)[0].id
    assert said["workspace"] == workspace.slug
    assert said["data"]["alarm_id"] == alarm.id
    assert said["data"]["facts"] == {"seconds": 15}
    assert said["data"]["links"]["runbook"].endswith(f"/w/{workspace.slug}/runbooks/sealing-lag/")
    assert body.decode() == notices(workspace)[0].body
    with pytest.raises(WebhookVerificationError):
        verify(made.secret, headers, body.replace(b"critical", b"harmless"))


def test_500_then_ok(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda n: Answer(500 if n == 1 else 200)) as endpoint:
        hook_to(workspace, endpoint.url)
        raise_one(workspace)
        send_due(workspace, at=16)
        [failed] = notices(workspace)
        assert (failed.state, failed.attempts, failed.next_at) == ("queued", 1, after(26))
        assert failed.error == "server_error: answered 500"
        send_due(workspace, at=26)

    assert told(workspace) == [("raised", "sent")]
    assert len({body for _, body in endpoint.requests}) == 1
    assert len({headers["webhook-id"] for headers, _ in endpoint.requests}) == 1


def test_each_step_is_told(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(200)) as endpoint:
        hook_to(workspace, endpoint.url)
        raise_one(workspace)
        send_due(workspace, at=16)
        clear_all(workspace, at=20)
        send_due(workspace, at=90)

    assert [json.loads(body)["type"] for _, body in endpoint.requests] == ["alarm.raised", "alarm.cleared"]


def test_an_address_that_must_not_be_called_is_not(workspace: TenantRef, settings: object) -> None:
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True  # type: ignore[attr-defined]
    with scripted_endpoint(lambda _: Answer(200)) as endpoint:
        hook_to(workspace, endpoint.url)
        settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = False  # type: ignore[attr-defined]
        raise_one(workspace)
        send_due(workspace, at=16)

    assert endpoint.requests == []
    assert notices(workspace)[0].error.startswith("address_refused")


def test_a_redirect_is_no_success(workspace: TenantRef, local_webhooks: None) -> None:
    with scripted_endpoint(lambda _: Answer(302, {"location": "http://127.0.0.1:9/"})) as endpoint:
        hook_to(workspace, endpoint.url)
        raise_one(workspace)
        send_due(workspace, at=16)

    assert notices(workspace)[0].error == "redirect: answered 302"


def test_a_secret_that_cannot_be_opened_stops_no_other_message(workspace: TenantRef, local_webhooks: None) -> None:
    mail_to(workspace)
    hook_to(workspace, "http://127.0.0.1:9/hook")
    raise_one(workspace)
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute("UPDATE alarms_channel SET secret = 'x' WHERE kind = 'webhook'")

    send_due(workspace, at=16)

    assert told(workspace) == [("raised", "kept"), ("raised", "queued")]
    assert "ZENTRA_SECRET_KEYS" in notices(workspace)[1].error


def test_slow_receivers_cost_others_their_turn_and_never_their_message(
    workspace: TenantRef, local_webhooks: None
) -> None:
    for port in (1, 2, 3):
        hook_to(workspace, f"http://127.0.0.1:{port}/hook")
    raise_one(workspace)
    sent: list[str] = []

    with ExitStack() as clocks:

        def slow(*, claim: Claim, now: datetime) -> Result:
            clocks.enter_context(clock.frozen(now + timedelta(seconds=120)))
            sent.append(claim.target)
            return Result("sent")

        clocks.enter_context(clock.frozen(after(16)))
        Messenger(send_webhook=slow)._send_due(workspace)

    assert sorted(sent) == [f"http://127.0.0.1:{port}/hook" for port in (1, 2, 3)]
    assert [(each.state, each.attempts) for each in notices(workspace)] == [("sent", 1)] * 3
