"""Ledger, provider and settlement told as one story, and compared as things happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.people import Person
from zentra.core import clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.matching.desk import operations, queries
from zentra.reconciliation.matching.desk.types import ThreeWay

if TYPE_CHECKING:
    from tests.reconciliation.desks import DeskOfTests
    from tests.webhooks.intents import RoutedIntent

LATER = timedelta(seconds=30)
GROSS = 125_000


@pytest.fixture
def desk(workspace: TenantRef) -> Iterator[DeskOfTests]:
    """A desk with a bank and a rail account, over rails that accept everything and say no more."""
    from tests.reconciliation.desks import desk_of
    from tests.webhooks.intents import accepting_rail

    made = desk_of(workspace)
    made.rail = made.open_bank(code="rail_receivable", kind="rail")
    watch(made)  # the first round begins at the log's end
    with accepting_rail(workspace):
        yield made


def routed(desk: DeskOfTests, name: str = "intent_042") -> RoutedIntent:
    from tests.webhooks.intents import routed_intent

    return routed_intent(desk.ws, name)


def watch(desk: DeskOfTests, *, later: timedelta = LATER) -> tuple[int, int]:
    """Sequence, follow, and compare once the sides have had time to agree: how many opened, how many gone."""
    from tests.evidence.sealing import sequence
    from zentra.reconciliation.matching.desk.watching import watch as round_of

    sequence(desk.ws)
    first = desk.do(round_of, now=clock.now())
    second = desk.do(round_of, now=clock.now() + later)
    return first.opened + second.opened, first.gone + second.gone


def story(desk: DeskOfTests, name: str = "intent_042", *, later: timedelta = LATER) -> ThreeWay:
    return desk.do(queries.story_of_intent, intent_id=name, now=clock.now() + later)


def report(desk: DeskOfTests, reference: str, *, gross: int = GROSS, batch: str = "B1", **more: Any) -> str:
    """A payment line of the rail's settlement report."""
    return desk.add_line(
        gross - 200, reference=reference, account=desk.rail, kind="payment", gross_minor=gross, fee_minor=200,
        batch=batch, **more,
    )  # fmt: skip


def payout(desk: DeskOfTests, *, batch: str = "B1", days: int = 0) -> str:
    """The payout line of the same report."""
    return desk.add_line(
        -(GROSS - 200), reference=batch, account=desk.rail, kind="payout", gross_minor=-GROSS, fee_minor=-200,
        batch=batch, day=clock.now().date() - timedelta(days=days),
    )  # fmt: skip


def kinds(desk: DeskOfTests) -> list[tuple[str, str]]:
    """(kind, what the watcher saw) of every open exception."""
    return [
        (kind, facts)
        for kind, facts in desk.rows(
            "SELECT kind, facts ->> 'live' FROM recon_exception WHERE state <> 'resolved' ORDER BY opened_at, id"
        )
    ]


def test_a_clean_payment_is_one_story_from_callback_to_bank(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded")
    intent.tell("settled")
    report(desk, "REFINTENT042")
    assert story(desk).verdict == "waiting"
    payout(desk)
    desk.add_line(GROSS - 200, reference="B1")

    told = story(desk)

    assert told.verdict == "agreed"
    assert [(row.what, row.amount_minor, row.agrees) for row in told.ledger] == [
        ("reserve", GROSS, None), ("success", GROSS, True), ("settle", GROSS, None),
    ]  # fmt: skip
    assert [(row.what, row.amount_minor, row.agrees) for row in told.provider] == [
        ("succeeded", GROSS, True), ("settled", GROSS, True),
    ]  # fmt: skip
    assert [(row.what, row.amount_minor) for row in told.statement] == [
        ("payment", GROSS - 200), ("payout", 200 - GROSS), ("bank", GROSS - 200),
    ]  # fmt: skip
    assert (told.breaks, told.exceptions) == ((), ())
    assert watch(desk) == (0, 0)


def test_an_intent_on_its_way_is_no_break(desk: DeskOfTests) -> None:
    routed(desk)

    assert story(desk).verdict == "waiting"
    assert watch(desk) == (0, 0)


def test_another_amount_of_the_provider_opens_an_exception_within_a_round_and_tells_so(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded", amount_minor=GROSS - 5)

    assert watch(desk) == (1, 0)

    assert kinds(desk) == [("amount_differs", "amount_differs")]
    [exception_id] = desk.listed(intent_id="intent_042")
    found = desk.do(queries.get_exception, exception_id=exception_id, now=clock.now())
    assert (found.account_id, found.difference_minor, found.amount_minor) == (desk.rail, -5, GROSS)
    [(said, about)] = desk.rows("SELECT body, intent_id FROM evidence_event WHERE type = 'exception.opened'")
    assert exception_id.encode() in bytes(said)
    assert about == "intent_042"
    told = story(desk)
    assert (told.verdict, told.exceptions) == ("broken", (exception_id,))
    [broken] = told.breaks
    assert (broken.kind, broken.expected_minor, broken.found_minor) == ("amount_differs", GROSS, GROSS - 5)


def test_another_currency_is_told_as_that(desk: DeskOfTests) -> None:
    routed(desk).tell("succeeded", currency="EUR")

    assert watch(desk) == (1, 0)
    assert kinds(desk) == [("currency_differs", "currency_differs")]


def test_what_the_provider_puts_right_is_a_break_no_more(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded", amount_minor=GROSS - 5)
    assert watch(desk) == (1, 0)

    intent.tell("succeeded", id="pev_corrected")

    assert watch(desk) == (0, 1)
    assert story(desk).breaks == ()
    assert [row.agrees for row in story(desk).provider] == [False, True]


def test_a_break_is_opened_once_however_often_it_is_looked_at(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded", amount_minor=5)

    opened = [watch(desk, later=timedelta(minutes=minutes))[0] for minutes in (1, 2, 30, 120, 240, 480)]

    assert opened == [1, 0, 0, 0, 0, 0]
    assert desk.rows("SELECT count(*) FROM recon_watched_intent") == [(0,)]  # and it is left alone in the end


def test_what_comes_right_is_gone_by_itself(desk: DeskOfTests) -> None:
    """The ledger has it first, as when a rail was only asked: the provider's own word comes after."""
    intent = routed(desk)
    book_success(desk, "intent_042")
    assert watch(desk) == (1, 0)
    assert kinds(desk) == [("entry_only", "ledger_without_provider")]
    [exception_id] = desk.listed(intent_id="intent_042")

    intent.tell("succeeded")

    assert watch(desk) == (0, 1)
    found = desk.do(queries.get_exception, exception_id=exception_id, now=clock.now())
    assert (found.state, found.resolution) == ("resolved", "gone")
    assert desk.rows("SELECT count(*) FROM evidence_event WHERE type = 'exception.resolved'") == [(1,)]


def book_success(desk: DeskOfTests, name: str) -> None:
    """The ledger's success step without any word of the rail."""
    from zentra.runtime.flow import post_steps
    from zentra.runtime.kinds import KINDS
    from zentra.runtime.queries import get_intent

    with tenant_work(desk.ws):
        post_steps(get_intent(intent_id=name), [KINDS["payment"].success], now=clock.now())


def test_a_provider_s_word_without_a_posting_is_a_break_after_a_moment(desk: DeskOfTests) -> None:
    """The word is kept and the posting is not there: what a lost effect would look like."""
    from zentra.routing.operations import record_outcome
    from zentra.routing.types import AnswerKind

    intent = routed(desk)
    with tenant_work(desk.ws):
        record_outcome(key=intent.key, outcome=AnswerKind("succeeded"), provider_reference="ref-9", now=clock.now())

    assert story(desk, later=timedelta(seconds=1)).breaks == ()
    assert [each.kind for each in story(desk).breaks] == ["provider_without_ledger"]
    assert watch(desk) == (1, 0)
    assert kinds(desk) == [("line_only", "provider_without_ledger")]


def test_a_provider_that_takes_its_word_back_is_a_break(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded")
    intent.tell("failed")

    assert watch(desk) == (1, 0)
    assert kinds(desk) == [("entry_only", "provider_changed_its_word")]


def test_two_orders_under_one_key_are_money_twice(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded")
    intent.tell("succeeded", id="pev_other", provider_reference="ref-other")

    told = story(desk)

    assert [each.kind for each in told.breaks] == ["provider_twice"]
    assert told.breaks[0].found_minor == 2 * GROSS


def test_a_settlement_of_what_the_ledger_has_not_or_has_otherwise(desk: DeskOfTests) -> None:
    routed(desk, "intent_a")
    report(desk, "INTENTA")
    other = routed(desk, "intent_b")
    other.tell("succeeded")
    report(desk, "REFINTENTB", gross=GROSS + 7)

    assert [each.kind for each in story(desk, "intent_a").breaks] == ["settlement_without_ledger"]
    assert [(each.kind, each.found_minor) for each in story(desk, "intent_b").breaks] == [
        ("settled_amount_differs", GROSS + 7)
    ]
    assert watch(desk) == (2, 0)
    assert sorted(kinds(desk)) == [
        ("amount_differs", "settled_amount_differs"), ("line_only", "settlement_without_ledger"),
    ]  # fmt: skip


def test_what_matching_has_an_exception_for_gets_no_second_one(desk: DeskOfTests) -> None:
    routed(desk, "intent_a")
    line = report(desk, "INTENTA")
    told = desk.exception("line_only", line_id=line, account=desk.rail)

    assert watch(desk) == (0, 0)
    assert story(desk, "intent_a").exceptions == (told.id,)


def test_a_batch_that_the_bank_never_shows_is_missing_once_it_is_due(desk: DeskOfTests) -> None:
    routed(desk).tell("succeeded")
    report(desk, "REFINTENT042")
    payout(desk, days=10)

    assert [each.kind for each in story(desk).breaks] == ["bank_missing"]
    desk.add_line(GROSS - 200, reference="B1")
    assert story(desk).breaks == ()


def test_what_was_explained_is_not_opened_again(desk: DeskOfTests) -> None:
    intent = routed(desk)
    intent.tell("succeeded", amount_minor=5)
    watch(desk)
    [exception_id] = desk.listed(intent_id="intent_042")
    desk.do(
        operations.explain_exception,
        exception_id=exception_id, reason_code="bank_error", reason="", actor=desk.first.actor(), now=clock.now(),
    )  # fmt: skip

    intent.tell("succeeded", id="pev_again", amount_minor=6)

    assert watch(desk) == (0, 0)
    assert kinds(desk) == []


def test_two_watchers_at_once_open_each_break_once(desk: DeskOfTests) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from tests.evidence.sealing import sequence
    from zentra.reconciliation.matching.desk.watching import watch as round_of

    routed(desk).tell("succeeded", amount_minor=5)
    sequence(desk.ws)
    desk.do(round_of, now=clock.now())

    def act(_: int) -> int:
        try:
            return desk.do(round_of, now=clock.now() + LATER).opened
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(act, range(4))) == 1


def test_nothing_is_watched_where_nothing_is_reconciled(workspace: TenantRef) -> None:
    from zentra.reconciliation.matching.desk.watching import watch as round_of

    with tenant_work(workspace):
        done = round_of(now=clock.now())

    assert (done.followed, done.compared) == (0, 0)


def test_the_story_of_another_workspace_s_intent_is_not_told(desk: DeskOfTests, outsider: Person) -> None:
    routed(desk)

    with pytest.raises(DomainError) as refused, tenant_work(outsider.workspace):
        queries.story_of_intent(intent_id="intent_042", now=clock.now())
    assert refused.value.status == 404
