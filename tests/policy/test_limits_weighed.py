"""What limits and windows count: by whom, of what, since when; taken by all limits of an intent or by none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from policy.rules.types import AskedMeter, Meter, Window
from tests.policy.scales import COUNT, DAY, PAYEES, SUM, Scales, intent
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

CAP = 1_000


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """The limits of `workspace`."""
    return Scales(workspace)


def test_what_fits_to_the_last_unit_is_taken_and_one_more_waits(scales: Scales) -> None:
    first = scales.weigh(intent(600), AskedMeter(SUM, CAP))
    second = scales.weigh(intent(400), AskedMeter(SUM, CAP))
    third = scales.weigh(intent(1), AskedMeter(SUM, CAP))

    assert (first.used, first.added, first.has_room, first.is_reserved) == ((0,), (600,), (True,), True)
    assert (second.used, second.added, second.is_reserved) == ((600,), (400,), True)
    assert (third.used, third.added, third.has_room, third.is_reserved) == ((1_000,), (1,), (False,), False)
    assert scales.stands(SUM) == CAP
    assert scales.sql("SELECT state, count(*) FROM policy_movement GROUP BY 1 ORDER BY 1") == [
        ("confirmed", 2), ("waiting", 1),
    ]  # fmt: skip
