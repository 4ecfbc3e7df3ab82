"""Limits under 64 intents at once: never exceeded, never refusing what fits, never waiting for each other in a ring."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from django.db import OperationalError, connection

from policy.limits.asking import whom_of
from policy.limits.operations import count_approved, release_limits, weigh
from policy.rules.types import AskedMeter, Measure, Meter, Weighed, Window
from policy.subjects import Subject
from tests.ledger.book import at_once
from tests.policy.scales import DAY, PAYEES, SUM, Scales, intent
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work

MANY = 64
TODAY = Window(calendar="day")
EACH_WAY = [("customer", DAY), ("customer", TODAY), ("workspace", DAY), ("workspace", TODAY)]
SIXTEEN_OF_A_PROCESS = """
import sys, django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID
from django.db import connection
from policy.rules.types import AskedMeter
from tests.policy.scales import SUM, Scales, intent
from zentra.core.tenancy import TenantRef
scales = Scales(TenantRef(UUID(sys.argv[1]), sys.argv[2], sys.argv[3], "sandbox"))
def one(_):
    try:
        return scales.weigh(intent(100), AskedMeter(SUM, 2000)).is_reserved
    finally:
        connection.close()
with ThreadPoolExecutor(16) as pool:
    print(sum(pool.map(one, range(16))))
"""


@pytest.fixture
def scales(workspace: TenantRef) -> Scales:
    """The limits of `workspace`."""
    return Scales(workspace)


def weigh_at_once(scales: Scales, subjects: Sequence[Subject], *asked: AskedMeter) -> list[bool]:
    """Each intent weighed in a thread of its own; whether it was taken."""
    found = at_once([partial(scales.weigh, one, *asked) for one in subjects], threads=MANY)
    assert [each for each in found if not isinstance(each, Weighed)] == []
    return [each.is_reserved for each in found if isinstance(each, Weighed)]


@pytest.mark.parametrize(("by", "window"), EACH_WAY, ids=[f"{by}-{window.key}" for by, window in EACH_WAY])
@pytest.mark.parametrize("measure", ["sum", "count", "distinct_counterparties"])
def test_sixty_four_at_once_take_exactly_what_there_is(
    measure: Measure, by: str, window: Window, scales: Scales
) -> None:
    meter = Meter(by, measure, window)  # type: ignore[arg-type]  # one of its dimensions
    cap = 2_099 if measure == "sum" else 20

    taken = weigh_at_once(scales, [intent(counterparty=f"payee_{n}") for n in range(MANY)], AskedMeter(meter, cap))

    assert sum(taken) == 20
    assert scales.stands(meter) == (2_000 if measure == "sum" else 20)


def test_sixty_four_at_once_that_fit_are_all_taken(scales: Scales) -> None:
    subjects = [intent(counterparty=f"payee_{n % 5}") for n in range(MANY)]
    limits = [
        AskedMeter(SUM, MANY * 100), AskedMeter(PAYEES, 5),
        AskedMeter(Meter("workspace", "count", TODAY), MANY), AskedMeter(Meter("workspace", "sum", DAY), MANY * 100),
    ]  # fmt: skip

    assert sum(weigh_at_once(scales, subjects, *limits)) == MANY
    assert not scales.weigh(intent(), *limits).is_reserved


def test_four_processes_with_sixteen_connections_each_take_exactly_what_there_is(scales: Scales) -> None:
    ws = scales.ws
    ran = [
        subprocess.Popen(
            [sys.executable, "-c", SIXTEEN_OF_A_PROCESS, str(ws.id), ws.slug, ws.schema],
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip

    taken = [int(process.communicate(timeout=120)[0]) for process in ran]

    assert sum(taken) == 20
    assert scales.stands(SUM) == 2_000


def test_intents_of_many_new_subjects_never_wait_for_each_other_in_a_ring(scales: Scales) -> None:
    rolled = random.Random(5)  # chance for a test, not for a secret
    meters = [
        Meter(by, measure, DAY)
        for by in ("account", "customer", "corridor", "card", "workspace")
        for measure in ("sum", "count", "distinct_counterparties")
    ]

    def one() -> Subject:
        def pick(kind: str) -> str:
            return f"{kind}_{rolled.randrange(4)}"

        return intent(
            customer=pick("cust"), account=pick("acct"), card=pick("card"), corridor_source=pick("c"),
            counterparty=pick("payee"), currency=rolled.choice(["USD", "EUR"]),
        )  # fmt: skip

    def weigh_and_maybe_end(subject: Subject, asked: list[AskedMeter]) -> bool:
        with tenant_work(scales.ws):
            taken = scales.weigh(subject, *asked)
            if subject.counterparty == "payee_0":
                release_limits(intent_id=subject.intent_id, now=clock.now())
        return taken.is_reserved

    work = [(one(), [AskedMeter(m, 10**9) for m in rolled.sample(meters, len(meters))]) for _ in range(4 * MANY)]
    results = at_once([partial(weigh_and_maybe_end, *each) for each in work], threads=MANY)

    assert results == [True] * len(work)
    kept = [subject for subject, _ in work if subject.counterparty != "payee_0"]
    for meter in meters:
        for whom in {whom for subject, _ in work if (whom := whom_of(meter, subject))}:
            of_theirs = [s for s in kept if whom_of(meter, s) == whom]
            want = {
                "sum": sum(s.amount_minor for s in of_theirs),
                "count": len(of_theirs),
                "distinct_counterparties": len({s.counterparty for s in of_theirs}),
            }[meter.measure]
            assert scales.reads([(whom, meter)]) == [want], (whom, meter.key)


def test_what_is_released_while_others_are_weighed_is_there_for_the_next(scales: Scales) -> None:
    first = [intent() for _ in range(20)]
    weigh_at_once(scales, first, AskedMeter(SUM, 2_000), AskedMeter(PAYEES, 3))

    def release(one: Subject) -> bool:
        scales.release(one.intent_id)
        return False

    def weigh() -> bool:
        return scales.weigh(intent(counterparty="bank"), AskedMeter(SUM, 2_000), AskedMeter(PAYEES, 3)).is_reserved

    calls: list[Callable[[], bool]] = [partial(release, one) for one in first] + [weigh] * 44

    results = at_once(calls, threads=MANY)

    taken = sum(bool(result) for result in results)
    assert [each for each in results if isinstance(each, Exception)] == []
    assert scales.stands(SUM) == taken * 100 <= 2_000
    room = [scales.weigh(intent(counterparty="bank"), AskedMeter(SUM, 2_000)).is_reserved for _ in range(20 - taken)]
    assert all(room)
    assert not scales.weigh(intent(), AskedMeter(SUM, 2_000)).is_reserved


def test_of_approvals_at_once_each_sees_what_the_one_before_it_counted(scales: Scales) -> None:
    def approve(one: Subject) -> bool:
        asked = [AskedMeter(SUM, 300), AskedMeter(Meter("workspace", "sum", DAY), 1_000)]
        with tenant_work(scales.ws):
            found = weigh(
                version=1, subject=one, meters=asked, listed=(), references=(), is_reserving=False, expires_at=None,
                now=clock.now(),
            )  # fmt: skip
            if all(found.has_room):
                count_approved(subject=one, now=clock.now())
        return all(found.has_room)

    approved = at_once([partial(approve, intent()) for _ in range(12)], threads=12)

    assert sum(each is True for each in approved) == 3
    assert scales.stands(SUM) == 300


def test_the_sweep_leaves_alone_what_an_intent_is_just_writing(scales: Scales) -> None:
    scales.weigh(intent(), AskedMeter(SUM))
    scales.weigh(intent(customer="cust_2"), AskedMeter(SUM))
    scales.publish(2)

    with tenant_work(scales.ws), connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM policy_limit_counter k JOIN policy_limit_subject s ON s.id = k.subject_id"
            " WHERE s.subject = 'cust_1' FOR UPDATE OF k"
        )
        meanwhile = at_once([scales.sweep], threads=1)

    assert (meanwhile, scales.sweep()) == ([1], 1)


def test_a_new_version_s_counters_miss_none_that_the_old_one_was_weighing(scales: Scales) -> None:
    wide = Meter("workspace", "count", DAY)

    def old_or_new() -> int:
        found = scales.weigh(intent(), AskedMeter(SUM, 10**9))
        if found.live_version == 2:
            found = scales.weigh(intent(), AskedMeter(SUM, 10**9), AskedMeter(wide, 10**9), version=2)
        return found.live_version

    calls = [old_or_new] * MANY
    calls.insert(MANY // 2, lambda: scales.publish(2).version)
    results = at_once(calls, threads=MANY)

    assert {each for each in results if isinstance(each, Exception)} == set()
    last = scales.weigh(intent(), AskedMeter(SUM, 10**9), AskedMeter(wide, 10**9), version=2)
    assert last.used == (MANY * 100, MANY)


def test_whoever_is_killed_holds_nothing(scales: Scales) -> None:
    def killed() -> None:
        with tenant_work(scales.ws):
            scales.weigh(intent(2_000), AskedMeter(SUM, 2_000), AskedMeter(PAYEES, 1))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    [result] = at_once([killed], threads=1)

    assert isinstance(result, OperationalError)
    assert scales.stands(SUM) == 0
    assert scales.weigh(intent(2_000, counterparty="bank"), AskedMeter(SUM, 2_000), AskedMeter(PAYEES, 1)).is_reserved
