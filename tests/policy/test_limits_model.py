"""Limits against a model that recounts every movement: weighed, held, confirmed, released, approved, expired, swept,
under changing rules and a clock that also goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from policy.limits.asking import Whom, start_of, whom_of
from policy.rules.types import AskedMeter, Meter, Window
from policy.subjects import Subject
from tests.evidence.sealing import as_role
from tests.policy.scales import Scales, intent
from zentra.core.tenancy import TenantRef

HOUR = Window(rolling_seconds=3_600)
WEEK = Window(rolling_seconds=7 * 86_400)
TODAY = Window(calendar="day")
MONTH = Window(calendar="month")
METERS: tuple[tuple[Meter, int | None], ...] = (
    (Meter("customer", "sum", HOUR), 900),
    (Meter("customer", "sum", TODAY), None),
    (Meter("customer", "count", WEEK, kinds=("payment",)), 6),
    (Meter("customer", "distinct_counterparties", TODAY), 2),
    (Meter("customer", "count", WEEK, from_minor=200, below_minor=400), 3),
    (Meter("account", "sum", WEEK, kinds=("transfer",)), 1_500),
    (Meter("corridor", "count", MONTH), None),
    (Meter("card", "distinct_counterparties", HOUR), 2),
    (Meter("workspace", "sum", TODAY), 2_500),
    (Meter("workspace", "count", HOUR), 12),
    (Meter("workspace", "distinct_counterparties", WEEK), None),
)
BEGUN = datetime(2026, 3, 30, 22, 15, tzinfo=UTC)


@dataclass
class Moved:
    """A movement as the model keeps it."""

    subject: Subject
    at: datetime
    state: str
    expires_at: datetime | None

    def counts(self, now: datetime) -> bool:
        """Whether it counts at this moment."""
        return self.state == "confirmed" or (
            self.state == "reserved" and self.expires_at is not None and self.expires_at > now
        )


def recount(moved: list[Moved], whom: Whom, meter: Meter, now: datetime) -> tuple[int, set[str]]:
    """What a meter of somebody stands at, from every movement; and whom they paid."""
    since = start_of(meter, now, UTC)
    counted = [
        m.subject
        for m in moved
        if m.at > since
        and m.counts(now)
        and meter.counts(kind=m.subject.kind, amount_minor=m.subject.amount_minor)
        and whom_of(meter, m.subject) == whom
    ]
    payees = {each.counterparty for each in counted}
    if meter.measure == "sum":
        return sum(each.amount_minor for each in counted), payees
    return (len(counted) if meter.measure == "count" else len(payees)), payees


def _of(one: Subject, customer: str, currency: str) -> Subject:
    return replace(one, customer=customer, account=f"acct_{customer}", currency=currency)


class Limits(RuleBasedStateMachine):
    """Limits of one workspace, whose movements are taken away before each run."""

    ws: ClassVar[TenantRef]
    clean: ClassVar[Callable[[], None]]
    version: ClassVar[int] = 1

    @initialize(chosen=st.sets(st.integers(0, len(METERS) - 1), min_size=3))
    def begin(self, chosen: set[int]) -> None:
        type(self).clean()
        self.scales = Scales(self.ws, Limits.version)
        self.moved: dict[str, Moved] = {}
        self.now = BEGUN
        self.asked = [METERS[n] for n in sorted(chosen)]

    @rule(
        amount=st.integers(1, 450),
        customer=st.sampled_from([None, "cust_1", "cust_2"]),
        kind=st.sampled_from(["payment", "transfer"]),
        currency=st.sampled_from(["USD", "EUR"]),
        counterparty=st.sampled_from(["shop", "bank", "cafe"]),
        card=st.sampled_from(["", "card_1"]),
        expires=st.none() | st.integers(1, 180),
    )
    def weigh(self, expires: int | None, amount: int, **facts: Any) -> None:
        account = f"acct_{facts['customer'] or 'chart'}"
        subject = intent(amount, account=account, corridor_source="GB", corridor_method="wire", **facts)
        expires_at = None if expires is None else self.now + timedelta(minutes=expires)
        asked = [(meter, cap) for meter, cap in self.asked if meter.counts(kind=subject.kind, amount_minor=amount)]
        want = [self.expected(subject, meter) for meter, _ in asked]

        found = self.scales.weigh(
            subject, *(AskedMeter(meter, cap) for meter, cap in asked), at=self.now, expires_at=expires_at
        )

        fits = [
            cap is None or whom_of(meter, subject) is None or used + added <= cap
            for (meter, cap), (used, added) in zip(asked, want, strict=True)
        ]
        assert list(zip(found.used, found.added, strict=True)) == want
        assert list(found.has_room) == fits
        assert found.is_reserved == all(fits)
        state = "waiting" if not all(fits) else "confirmed" if expires_at is None else "reserved"
        self.moved[subject.intent_id] = Moved(subject, self.now, state, expires_at)

    def expected(self, subject: Subject, meter: Meter) -> tuple[int, int]:
        whom = whom_of(meter, subject)
        if whom is None:
            return 0, 0
        used, payees = recount(list(self.moved.values()), whom, meter, self.now)
        if meter.measure == "sum":
            return used, subject.amount_minor
        return used, 1 if meter.measure == "count" else int(subject.counterparty not in payees)

    @precondition(lambda self: self.moved)
    @rule(data=st.data(), minutes=st.integers(1, 180))
    def hold(self, data: st.DataObject, minutes: int) -> None:
        one = self.pick(data)
        until = self.now + timedelta(minutes=minutes)
        self.scales.hold(one.subject.intent_id, until=until, at=self.now)
        if one.state == "confirmed":
            one.state, one.expires_at = "reserved", until

    @precondition(lambda self: self.moved)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        one = self.pick(data)
        self.scales.confirm(one.subject.intent_id, at=self.now)
        if one.state == "reserved":
            one.state, one.expires_at = "confirmed", None

    @precondition(lambda self: self.moved)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        one = self.pick(data)
        self.scales.release(one.subject.intent_id, at=self.now)
        one.state = "released"

    @precondition(lambda self: self.moved)
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        one = self.pick(data)
        self.scales.approve(one.subject, at=self.now)
        if one.state in ("waiting", "released"):
            one.at = self.now
        one.state, one.expires_at = "confirmed", None

    @rule(amount=st.integers(1, 450), counterparty=st.sampled_from(["shop", "bank"]))
    def approve_what_was_never_weighed(self, amount: int, counterparty: str) -> None:
        subject = intent(amount, counterparty=counterparty)
        self.scales.approve(subject, at=self.now)
        self.moved[subject.intent_id] = Moved(subject, self.now, "confirmed", None)

    def pick(self, data: st.DataObject) -> Moved:
        return self.moved[data.draw(st.sampled_from(sorted(self.moved)))]

    @rule()
    def expire(self) -> None:
        over = [
            m for m in self.moved.values()
            if m.state == "reserved" and m.expires_at is not None and m.expires_at <= self.now
        ]  # fmt: skip
        assert self.scales.expire(at=self.now) == len(over)
        for one in over:
            one.state = "released"

    @rule(minutes=st.sampled_from([0, 1, 59, 60, 105, 300, 1_440, 9_000, 50_000]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(minutes=st.sampled_from([1, 60, 200, 1_440, 20_000]))
    def clock_goes_back(self, minutes: int) -> None:
        self.now -= timedelta(minutes=minutes)

    @rule(chosen=st.sets(st.integers(0, len(METERS) - 1), min_size=1))
    def publish(self, chosen: set[int]) -> None:
        Limits.version += 1
        self.scales = self.scales.publish(Limits.version)
        self.asked = [METERS[n] for n in sorted(chosen)]

    @rule(hours=st.sampled_from([0, 10_000]))
    def sweep(self, hours: int) -> None:
        self.scales.sweep(at=self.now + timedelta(hours=hours))

    @invariant()
    def what_is_read_is_what_moved(self) -> None:
        if not hasattr(self, "moved"):
            return
        one = intent(1, corridor_source="GB", corridor_method="wire", card="card_1")
        asked = [
            (whom, meter)
            for customer in ("cust_1", "cust_2")
            for currency in ("USD", "EUR")
            for meter, _ in self.asked
            if (whom := whom_of(meter, replace(one, customer=customer, account=f"acct_{customer}", currency=currency)))
        ]
        want = [recount(list(self.moved.values()), whom, meter, self.now)[0] for whom, meter in asked]
        assert self.scales.reads(asked, at=self.now) == want


@pytest.fixture
def clean(workspace: TenantRef) -> Callable[[], None]:
    """Take away, as the owner, what an earlier run left."""
    scales = Scales(workspace)

    def run() -> None:
        with as_role("ZENTRA_OWNER_DATABASE_URL"):
            for table in ("movement", "limit_counter", "limit_counterparty", "limit_change"):
                scales.sql(f"DELETE FROM policy_{table}")

    return run


def test_limits_and_the_model_agree(workspace: TenantRef, clean: Callable[[], None]) -> None:
    machine = type("LimitsHere", (Limits,), {"ws": workspace, "clean": staticmethod(clean)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
