"""Alarms of the installation itself, in the platform's rooms."""

from __future__ import annotations

import uuid
from html import unescape
from typing import Any

from django.test import Client

from tests.alarms.desk import alarms, clear_all, raise_one
from tests.people import join
from zentra.alarms.messages import alarm_url, runbook_url
from zentra.core.tenancy import TenantRef
from zentra.tenants.queries import platform_ref


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_an_alarm_of_the_installation_is_seen_and_taken_where_its_message_leads(database: None) -> None:
    platform = platform_ref()
    alarm = raise_one(platform, f"s-{uuid.uuid4().hex[:6]}")
    chief = join(platform, role="platform_admin", name="Chief").sign_in(Client())
    helper = join(platform, role="platform_support").sign_in(Client())
    here = "/" + alarm_url(ws=platform, alarm_id=alarm.id).split("/", 3)[3]
    assert here == f"/platform/alarms/{alarm.id}/"
    assert alarm.headline in text_of(helper.get("/platform/alarms/"))
    assert "Acknowledge" not in text_of(helper.get(here))
    form = {"idempotency_key": str(uuid.uuid4())}
    assert helper.post(f"{here}acknowledge/", form).status_code == 403
    assert chief.post(f"{here}acknowledge/", form).headers["Location"] == here
    assert [each.state for each in alarms(platform, state="open") if each.id == alarm.id] == ["acknowledged"]
    assert "Chief" in text_of(chief.get(here))
    runbook = "/" + runbook_url(ws=platform, slug=alarm.runbook).split("/", 3)[3]
    assert chief.get(runbook).status_code == 200
    clear_all(platform, at=30)


def test_a_tenant_s_people_find_none_of_it(workspace: TenantRef) -> None:
    boss = join(workspace, role="admin").sign_in(Client())
    for path in ("alarms/", "alarms/alm_x/", "runbooks/worker-silent/"):
        assert boss.get(f"/platform/{path}").status_code == 404, path
    assert alarm_url(ws=workspace, alarm_id="alm_x").endswith(f"/w/{workspace.slug}/alarms/alm_x/")
