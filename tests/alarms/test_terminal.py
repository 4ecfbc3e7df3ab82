"""Alarms from a terminal, and the demo's channels."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.alarms.desk import START, alarms, raise_one
from tests.people import Person
from zentra.alarms.queries import list_channels, list_kinds
from zentra.alarms.types import ChannelRecord
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.alarms import seed_channels


def said(*words: str) -> str:
    out = StringIO()
    call_command("alarms", *words, stdout=out)
    return out.getvalue()


def test_what_is_open_is_listed(workspace: TenantRef, other_workspace: TenantRef) -> None:
    alarm = raise_one(workspace, "EUR")

    assert (
        f"{alarm.id}  {workspace.slug}  raised  since 2026-04-01T09:30:00.000Z  Sealing lags: EUR: it is bad" in said()
    )
    assert said("--workspace", other_workspace.slug) == "No alarm is open.\n"


def test_a_member_takes_one(workspace: TenantRef, operator: Person) -> None:
    alarm = raise_one(workspace)
    take = ("--workspace", workspace.slug, "--acknowledge", alarm.id, "--by", operator.email)

    assert f"acknowledged by {operator.id}" in said(*take, "--note", "on it")
    assert alarms(workspace)[0].note == "on it"


def test_who_may_not_or_is_nobody_takes_none(
    workspace: TenantRef, auditor: Person, outsider: Person, operator: Person, operator2: Person
) -> None:
    alarm = raise_one(workspace)
    take = ("--workspace", workspace.slug, "--acknowledge", alarm.id)

    for person in (auditor.email, outsider.email, "nobody@example.test"):
        with pytest.raises(CommandError, match="no member"):
            said(*take, "--by", person)
    with pytest.raises(CommandError, match="needs"):
        said(*take)
    with pytest.raises(CommandError, match="no workspace"):
        said("--workspace", "nowhere")
    assert alarms(workspace)[0].state == "raised"
    said(*take, "--by", operator.email)
    with pytest.raises(CommandError, match="acknowledged it first"):
        said(*take, "--by", operator2.email)


def test_the_demo_tells_an_operator_and_finance_and_leaves_what_people_removed(workspace: TenantRef) -> None:
    def channels() -> dict[str, ChannelRecord]:
        return {each.target.partition("@")[0]: each for each in list_channels()}

    with tenant_work(workspace):
        seed_channels(ref=workspace, now=START)
        first = channels()
        seed_channels(ref=workspace, now=START)

        assert channels() == first
        assert first["operator"].kinds == ("*",)
        assert "ledger_drift" in first["finance"].kinds
        assert set(first["finance"].kinds) < {kind.name for kind in list_kinds()}
