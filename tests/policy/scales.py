"""Limits as the tests speak to them: each call is a unit of work of its own, committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from policy.limits import operations, queries
from policy.limits.asking import Whom, whom_of
from policy.rules.types import AskedMeter, Meter, Weighed, Window
from policy.subjects import Subject
from zentra.core import clock, ids
from zentra.core.tenancy import TenantRef, tenant_work

DAY = Window(rolling_seconds=86_400)
SUM = Meter("customer", "sum", DAY)
COUNT = Meter("customer", "count", DAY)
PAYEES = Meter("customer", "distinct_counterparties", DAY)


def intent(amount: int = 100, *, customer: str | None = "cust_1", currency: str = "USD", **more: Any) -> Subject:
    """An intent as limits see it."""
    facts = {"kind": "payment", "account": f"acct_{customer}", "counterparty": "shop", **more}
    return Subject(
        intent_id=facts.pop("intent_id", None) or ids.new_id("intent"),
        kind=facts.pop("kind"),
        amount_minor=amount,
        currency=currency,
        customer=customer,
        **facts,
    )


@dataclass(frozen=True)
class Scales:
    """The limits of one workspace."""

    ws: TenantRef
    version: int = 1

    def weigh(
        self,
        subject: Subject,
        *asked: AskedMeter,
        at: datetime | None = None,
        expires_at: datetime | None = None,
        listed: Sequence[tuple[str, str]] = (),
        version: int | None = None,
        is_reserving: bool = True,
    ) -> Weighed:
        """An intent weighed."""
        with tenant_work(self.ws):
            return operations.weigh(
                version=version or self.version,
                subject=subject,
                meters=asked,
                listed=listed,
                references=(),
                is_reserving=is_reserving,
                expires_at=expires_at,
                now=at or clock.now(),
            )

    def release(self, intent_id: str, *, at: datetime | None = None) -> None:
        """An intent that was declined or failed."""
        with tenant_work(self.ws):
            operations.release_limits(intent_id=intent_id, now=at or clock.now())

    def confirm(self, intent_id: str, *, at: datetime | None = None) -> None:
        """An intent that was reserved and posts."""
        with tenant_work(self.ws):
            operations.confirm_limits(intent_id=intent_id, now=at or clock.now())

    def hold(self, intent_id: str, *, until: datetime, at: datetime | None = None) -> None:
        """An intent that another rule holds."""
        with tenant_work(self.ws):
            operations.hold_limits(intent_id=intent_id, expires_at=until, now=at or clock.now())

    def approve(self, subject: Subject, *, at: datetime | None = None) -> None:
        """An intent that somebody approved."""
        with tenant_work(self.ws):
            operations.count_approved(subject=subject, now=at or clock.now())

    def expire(self, *, at: datetime | None = None) -> int:
        """The periodic task."""
        with tenant_work(self.ws):
            return operations.expire_reservations(now=at or clock.now())

    def sweep(self, *, at: datetime | None = None) -> int:
        """The periodic task."""
        with tenant_work(self.ws):
            return operations.sweep_counters(now=at or clock.now() + timedelta(hours=1))

    def stands(self, meter: Meter, subject: Subject | None = None, *, at: datetime | None = None) -> int:
        """What a meter stands at, read without a lock."""
        whom = whom_of(meter, subject or intent())
        assert whom is not None
        return self.reads([(whom, meter)], at=at)[0]

    def reads(self, meters: Sequence[tuple[Whom, Meter]], *, at: datetime | None = None) -> list[int]:
        """What meters stand at."""
        with tenant_work(self.ws):
            return [stand.used for stand in queries.read_meters(meters=meters, now=at or clock.now())]

    def publish(self, version: int) -> Scales:
        """A new version of the rules, whatever they say."""
        self.sql(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by) VALUES (%s, %s, now(), 'usr_a')",
            [version, json.dumps({"rules": []})],
        )
        return Scales(self.ws, version)

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Go round Python: a statement as the application's database role."""
        with tenant_work(self.ws), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
