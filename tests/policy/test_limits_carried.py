"""New rules in force: the counters of a busy workspace go on where both versions ask for them, and are right."""

from __future__ import annotations

from typing import Any

import pytest

from policy.limits.carrying import WORTH_CARRYING
from policy.rules.types import AskedMeter, Meter, Window
from policy.rulesets import operations
from policy.rulesets.queries import live_rule_set
from tests.policy.scales import Scales, intent
from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.tenancy import TenantRef, tenant_work

ADA = Actor("user", "usr_ada", "admin", None)
CARL = Actor("user", "usr_carl", "compliance", None)
MONTH = {"rolling_seconds": 30 * 86_400}
WIDE = Meter("workspace", "count", Window(rolling_seconds=30 * 86_400))
LIMIT = {
    "name": "limit.wide", "action": "review", "score": 10, "scope": {}, "reason": "busy", "measure": "count",
    "by": "workspace", "window": MONTH, "counts": {"kinds": []}, "limit": 10**6,
}  # fmt: skip


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """A workspace in which much has moved."""
    made = Scales(workspace)
    made.sql(
        "INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, state,"
        " changed_at)"
        " SELECT 'past_' || n, now() - interval '1 minute' * n, 'payment', 5, 'USD', 'a', 'past', 'confirmed', now()"
        " FROM generate_series(1, %s) n",
        [WORTH_CARRYING + 1],
    )
    return made


def publish(scales: Scales, limits: list[dict[str, Any]]) -> Scales:
    """The live rules with other limits, put in force by two people; the limits of the new version."""
    with tenant_work(scales.ws):
        document = {**live_rule_set()[1], "limits": limits}
        draft = operations.create_draft(name="limits", document=document, actor=ADA, now=clock.now())
        operations.validate_draft(draft_id=draft.id, actor=ADA, now=clock.now())
        version = operations.publish_draft(draft_id=draft.id, actor=CARL, now=clock.now(), note="busy").version
    return Scales(scales.ws, version)


def versions(scales: Scales) -> list[tuple[int, int]]:
    """(version, number) of the workspace's counter."""
    rows = scales.sql("SELECT version, number FROM policy_limit_counter WHERE meter = %s", [WIDE.key])
    return [(version, number) for version, number in rows]


def test_a_large_counter_goes_on_where_both_versions_ask_for_it(scales: Scales) -> None:
    second = publish(scales, [LIMIT])
    second.weigh(intent(), AskedMeter(WIDE, 10**6))
    assert versions(second) == [(2, WORTH_CARRYING + 2)]

    third = publish(second, [{**LIMIT, "limit": 2 * 10**6}])

    assert versions(third) == [(3, WORTH_CARRYING + 2)]
    assert third.weigh(intent(), AskedMeter(WIDE)).used == (WORTH_CARRYING + 2,)


def test_a_counter_that_a_version_did_not_ask_for_is_counted_anew(scales: Scales) -> None:
    second = publish(scales, [LIMIT])
    second.weigh(intent(), AskedMeter(WIDE))
    without = publish(second, [])
    without.weigh(intent())
    again = publish(without, [LIMIT])

    assert versions(again) == [(2, WORTH_CARRYING + 2)]
    assert again.weigh(intent(), AskedMeter(WIDE)).used == (WORTH_CARRYING + 3,)


def test_a_limit_that_is_switched_off_is_not_asked_for(scales: Scales) -> None:
    second = publish(scales, [LIMIT])
    second.weigh(intent(), AskedMeter(WIDE))

    off = publish(second, [{**LIMIT, "is_enabled": False}])

    assert versions(off) == [(2, WORTH_CARRYING + 2)]
