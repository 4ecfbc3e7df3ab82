"""Settings of a workspace: checked, kept with who and why, compared, and read by what they govern."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection

from policy.limits.zones import time_zone_here
from policy.reviews.times import lease, review_time
from tests.evidence.sealing import as_role
from tests.ledger.book import at_once
from tests.ledger.filing import events_of
from tests.people import Person
from webhooks.outbound.endpoints.verifying import is_required
from webhooks.outbound.retention import history_days
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.configuration.errors import InvalidSettings, StaleWorkspace
from zentra.tenants.configuration.operations import change_settings
from zentra.tenants.configuration.queries import (
    compare_versions,
    list_setting_changes,
    list_settings,
    read_settings,
    settings_at_hand,
)
from zentra.tenants.configuration.table import BY_NAME, SETTINGS, read_stored
from zentra.tenants.configuration.types import SettingsChanged, WorkspaceSettings
from zentra.tenants.members.errors import EmailDomainRefused
from zentra.tenants.members.operations import add_person


def change(
    workspace: TenantRef, person: Person, values: dict[str, object], *, version: int | None = None, reason: str = ""
) -> SettingsChanged:
    with tenant_work(workspace):
        return change_settings(
            workspace=workspace, values=values, version=version, actor=person.actor(), reason=reason, now=now()
        )


def test_the_table_and_the_typed_settings_name_the_same_and_each_has_its_words() -> None:
    assert {each.name for each in SETTINGS} == {field.name for field in dataclasses.fields(WorkspaceSettings)}
    for each in SETTINGS:
        assert each.words.endswith("."), each.name
        assert each.say(None), each.name
        assert each.check(each.default) == each.default, each.name
        if each.kind == "whole":
            assert (each.check(each.least), each.check(str(each.most))) == (each.least, each.most)
    assert read_stored({}).session_hours == 12


def test_a_value_that_may_not_be_is_refused_by_name_and_nothing_changes(workspace: TenantRef, admin: Person) -> None:
    wrong: dict[str, list[object]] = {
        "time_zone": ["Mars/Olympus", "../etc/passwd", "", 7, "/etc/localtime", "Europe/Berlin\n"],
        "review_hours_operations": [0, 721, 1.5, True, "many", "-1", "１", [], {}],
        "policy_failure": ["pass", "", 1, None.__class__],
        "verify_webhook_endpoints": ["perhaps", 2, [1]],
        "second_factor_roles": ["Admin Role!", ["ab"], [1], {"auditor": 1}, ["nobody_has_this"], ["x" * 60]],
        "allowed_email_domains": ["localhost", ["a_b.example"], "@example.com", ["-x.example"], ["a" * 250 + ".com"]],
        "rate_policies": [
            [], "fast", {"read": {}}, {"browse": {"key": [1, 1]}}, {"read": {"key": [0, 1]}}, {"read": {"key": [1]}},
            {"read": {"key": [1, 0]}}, {"read": {"key": [float("nan"), 5]}}, {"read": {"all": [1, 1]}},
        ],
        "no_such_setting": [1],
        "currency": ["EUR"],
    }  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(InvalidSettings) as refused:
                change(workspace, admin, {name: value, "idle_minutes": 20})
            assert list(refused.value.extra["errors"]) == [name], (name, value)
    with pytest.raises(InvalidSettings) as both:
        change(workspace, admin, {"session_hours": 1, "idle_minutes": 90})
    assert list(both.value.extra["errors"]) == ["idle_minutes"]

    assert list_settings(workspace_id=workspace.id)[1] == 1
    assert list_setting_changes(workspace_id=workspace.id) == []
    assert events_of(workspace, "workspace.settings_changed") == []


def test_a_change_is_kept_with_who_and_why_and_recorded_without_what_it_says(
    workspace: TenantRef, admin: Person
) -> None:
    settings_at_hand(workspace_id=workspace.id)  # remembered, and forgotten by the change
    done = change(
        workspace, admin,
        {"time_zone": "Asia/Tokyo", "allowed_email_domains": "Example.com, b.example example.com", "idle_minutes": 30},
        version=1, reason=" we moved ",
    )  # fmt: skip

    assert (done.version, [each.name for each in done.changes]) == (2, ["allowed_email_domains", "time_zone"])
    here = settings_at_hand(workspace_id=workspace.id)
    assert (here.time_zone, here.allowed_email_domains) == ("Asia/Tokyo", frozenset({"example.com", "b.example"}))
    zone = next(each for each in list_setting_changes(workspace_id=workspace.id) if each.name == "time_zone")
    assert (zone.by, zone.reason, zone.version) == (admin.id, "we moved", 2)
    assert (zone.before, zone.after, zone.before_said, zone.after_said) == (None, "Asia/Tokyo", "UTC", "Asia/Tokyo")
    (data,) = events_of(workspace, "workspace.settings_changed")
    assert (data["names"], data["version"]) == (["allowed_email_domains", "time_zone"], 2)
    assert "example.com" not in str(data)
    assert "Tokyo" not in str(data)


def test_the_same_again_changes_nothing_and_what_was_looked_at_before_is_stale(
    workspace: TenantRef, admin: Person
) -> None:
    change(workspace, admin, {"review_hours_operations": 2})

    assert change(workspace, admin, {"review_hours_operations": "2"}) == SettingsChanged(2, ())
    with pytest.raises(StaleWorkspace):
        change(workspace, admin, {"review_hours_operations": 3}, version=1)
    back = change(workspace, admin, {"review_hours_operations": None}, version=2)
    assert (back.version, back.changes[0].after) == (3, None)
    assert change(workspace, admin, {"review_hours_operations": 1}).changes == ()


def test_two_versions_are_compared_by_what_they_come_to(workspace: TenantRef, admin: Person) -> None:
    change(workspace, admin, {"idle_minutes": 20, "session_hours": 8})
    change(workspace, admin, {"idle_minutes": 10})
    change(workspace, admin, {"session_hours": None})

    found = compare_versions(workspace_id=workspace.id, older=1, newer=4)
    assert [(each.name, each.before, each.after) for each in found] == [("idle_minutes", None, 10)]
    turned = compare_versions(workspace_id=workspace.id, older=3, newer=2)
    assert [(each.name, each.before, each.after) for each in turned] == [("idle_minutes", 10, 20)]


def test_of_those_who_change_the_same_version_at_once_one_succeeds(workspace: TenantRef, admin: Person) -> None:
    calls = [
        lambda minutes=minutes: change(workspace, admin, {"idle_minutes": minutes}, version=1)
        for minutes in (11, 12, 13, 14)
    ]
    done = at_once(calls, threads=4)

    assert sorted(type(each).__name__ for each in done) == ["SettingsChanged", *["StaleWorkspace"] * 3]
    assert len(list_setting_changes(workspace_id=workspace.id)) == 1


def test_what_a_setting_governs_reads_it(workspace: TenantRef, other_workspace: TenantRef, admin: Person) -> None:
    change(
        workspace, admin,
        {"time_zone": "Asia/Kathmandu", "review_hours_operations": 3, "review_hours_compliance": 9,
         "review_lease_minutes": 25, "webhook_history_days": 45, "verify_webhook_endpoints": True},
    )  # fmt: skip

    with tenant_work(workspace):
        zone, moment = time_zone_here(), now()
        assert zone.utcoffset(moment.replace(tzinfo=None)) == timedelta(hours=5, minutes=45)
        assert (review_time("operations"), review_time("compliance")) == (timedelta(hours=3), timedelta(hours=9))
        assert (lease(), history_days(), is_required()) == (timedelta(minutes=25), 45, True)
    with tenant_work(other_workspace):
        assert (review_time("operations"), lease(), history_days()) == (timedelta(hours=1), timedelta(minutes=10), 90)
        assert not is_required()


def test_what_somebody_wrote_past_the_checks_counts_as_the_nearest_or_the_default(workspace: TenantRef) -> None:
    with as_role("ZENTRA_OWNER_DATABASE_URL"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.tenants_workspace SET settings = %s::jsonb WHERE id = %s",
            ['{"time_zone": "Nowhere", "webhook_history_days": 3, "rate_policies": 7, "odd": [], "idle_minutes": "x"}',
             workspace.id],
        )  # fmt: skip

    here = read_settings(workspace_id=workspace.id)
    assert (here.time_zone, here.webhook_history_days, here.idle_minutes) == ("UTC", 30, 30)
    assert here.rate_policies == read_stored({}).rate_policies


def test_people_are_taken_from_the_allowed_mail_domains_only(workspace: TenantRef, admin: Person) -> None:
    change(workspace, admin, {"allowed_email_domains": ["acme.example"]})

    def add(email: str) -> str:
        with tenant_work(workspace):
            return add_person(
                workspace=workspace, email=email, role="viewer", actor=admin.actor(), now=now()
            ).member.email

    for wrong in ("eve@evil.example", "eve@acme.example.evil.example", "eve@sub.acme.example"):
        with pytest.raises(EmailDomainRefused):
            add(wrong)
    address = f"ada.{workspace.slug}@ACME.example"
    assert add(address) == address.lower()


def test_a_setting_of_one_workspace_is_no_other_s(
    workspace: TenantRef, other_workspace: TenantRef, admin: Person
) -> None:
    change(workspace, admin, {"denial_burst": 5})

    assert read_settings(workspace_id=other_workspace.id).denial_burst == BY_NAME["denial_burst"].default
    assert list_setting_changes(workspace_id=other_workspace.id) == []
