"""What a rail says, in every order and as often as it likes: the same entries, once."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.book import at_once
from tests.runtime.story import AMOUNT, Story
from tests.runtime.test_flow import entries
from zentra.core import clock, ids
from zentra.core.tenancy import tenant_work
from zentra.routing.providers.types import ProviderAnswer
from zentra.routing.queries import find_open_attempt
from zentra.routing.types import AnswerKind
from zentra.runtime.operations.routes import _take_answer
from zentra.runtime.types import OutcomeResult, ProviderOutcome

GOOD: tuple[ProviderOutcome, ...] = ("accepted", "succeeded", "settled")
ONE_STORY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("order", list(permutations(GOOD)))
def test_good_news_in_any_order_and_twice_ends_alike(order: tuple[ProviderOutcome, ...], sent: Story) -> None:
    sent.routed()

    for outcome in (*order, *order):
        sent.hear(outcome)

    intent = sent.get()
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve", "success", "settle"))
    assert (intent.status, intent.outcome, intent.mutations) == ("routed", "settled", 1)
    assert sent.work("webhooks.check_stream") == 1
    assert set(sent.drift().values()) == {0}


@given(said=st.lists(st.sampled_from(GOOD), min_size=1, max_size=8).map(lambda said: [*said, "settled"]))
@ONE_STORY
def test_any_sequence_of_good_news_that_says_settled_converges(said: list[ProviderOutcome], sent: Story) -> None:
    name = ids.new_id("intent")
    sent.routed(name)

    for outcome in said:
        sent.hear(outcome, name)

    assert sorted(sent.entries(name)) == sorted(entries("payment", "reserve", "success", "settle"))
    assert sent.work("webhooks.check_stream", name) == 1
    assert set(sent.drift().values()) == {0}


@given(said=st.lists(st.sampled_from([*GOOD, "declined", "failed"]), min_size=1, max_size=8))
@ONE_STORY
def test_any_sequence_at_all_leaves_one_of_the_table_s_stories(said: list[ProviderOutcome], sent: Story) -> None:
    """A rail that contradicts itself is believed as far as money moved; the rest is kept as a mismatch."""
    name = ids.new_id("intent")
    sent.routed(name)

    effects = [sent.hear(outcome, name).effect for outcome in said]

    stories = [
        ("reserve",), ("reserve", "success"), ("reserve", "success", "settle"), ("reserve", "release"),
    ]  # fmt: skip
    assert sorted(sent.entries(name)) in [sorted(entries("payment", *story)) for story in stories]
    bad = any(outcome in ("declined", "failed") for outcome in said)
    good = any(outcome in ("succeeded", "settled") for outcome in said)
    assert ("mismatch" in effects) == (bad and good)
    assert set(sent.drift().values()) == {0}


def test_what_comes_twice_or_late_says_so_and_counts_as_a_replay(sent: Story) -> None:
    sent.routed()

    told = [sent.hear(outcome).effect for outcome in ("succeeded", "succeeded", "settled", "succeeded", "settled")]

    assert told == ["applied", "duplicate", "applied", "late", "duplicate"]
    assert sent.get().replays == 2


def test_twenty_callbacks_at_once_post_once(sent: Story) -> None:
    sent.routed()

    results = at_once([lambda: sent.hear("settled")] * 10 + [lambda: sent.hear("succeeded")] * 10, threads=10)

    effects = [r.effect for r in results if isinstance(r, OutcomeResult)]
    assert len(effects) == 20
    assert 1 <= effects.count("applied") <= 2
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve", "success", "settle"))


def test_decline_and_success_at_once_end_as_one_of_them(sent: Story) -> None:
    sent.routed()

    results = at_once([lambda: sent.hear("declined"), lambda: sent.hear("succeeded")], threads=2)

    effects = sorted(r.effect for r in results if isinstance(r, OutcomeResult))
    assert effects == ["applied", "mismatch"]
    assert sorted(sent.entries()) in (
        sorted(entries("payment", "reserve", "success")), sorted(entries("payment", "reserve", "release")),
    )  # fmt: skip


@pytest.mark.parametrize("words", [{"amount_minor": AMOUNT + 1}, {"amount_minor": 1}, {"currency": "EUR"}])
def test_another_amount_or_currency_is_refused_and_recorded(words: dict[str, Any], sent: Story) -> None:
    before = sent.routed()

    told = sent.hear("succeeded", **words)

    assert told.effect == "mismatch"
    assert sent.get() == before
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve"))
    assert sent.events()[-1] == "provider.mismatch"
    assert sent.hear("succeeded").effect == "applied"


def test_money_that_failed_does_not_succeed_later(sent: Story) -> None:
    sent.routed()
    sent.hear("declined")

    assert sent.hear("settled").effect == "mismatch"

    assert sent.get().status == "failed"
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve", "release"))
    assert sent.event("provider.mismatch")["detail"]


def test_a_reference_that_is_not_ours_or_of_another_rail_changes_nothing(sent: Story) -> None:
    before = sent.routed()

    assert sent.hear("settled", key="pay_unknown").effect == "unknown_intent"
    assert sent.hear("settled", rail_id=ids.new_id("rail")).effect == "unknown_intent"

    assert sent.get() == before


def test_a_failure_frees_the_customer_s_limit(sent: Story) -> None:
    wallet = sent.wallet("wallet", holds=AMOUNT)
    sent.routed(debit_account=wallet)
    held = "SELECT count(*) FROM policy_movement WHERE state IN ('reserved', 'confirmed')"
    assert sent.sql(held) == [(1,)]

    sent.hear("failed")

    assert sent.sql(held) == [(0,)]


def test_a_failed_intent_is_closed_and_has_its_release_told(sent: Story) -> None:
    sent.routed()
    sent.hear("declined")

    assert sent.work("runtime.close") == 1
    assert sent.events()[-2:] == ["provider.declined", "ledger.entry.posted"]
    sent.close()
    assert sent.event("review.closed")["closed_by"] == "svc_evidence"


@pytest.mark.parametrize("word", ["declined", "failed", "settled"])
def test_a_word_about_an_attempt_that_executed_nothing_changes_nothing(word: ProviderOutcome, sent: Story) -> None:
    sent.routed()
    sent.sql("UPDATE routing_attempt SET state = 'unavailable'")

    told = sent.hear(word)

    assert told.effect == ("mismatch" if word == "settled" else "late")
    assert sent.get().status == "routed"
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve"))


def test_an_answer_with_another_amount_is_not_believed_when_asked_either(sent: Story) -> None:
    sent.routed()
    answer = ProviderAnswer(AnswerKind.SETTLED, "ref-1", 3, "200 settled", amount_minor=AMOUNT - 1, currency="USD")

    with tenant_work(sent.ws):
        attempt = find_open_attempt(intent_id="intent_042")
        assert attempt is not None
        is_final = _take_answer("intent_042", attempt, answer, now=clock.now(), asked=True)

    assert not is_final
    assert sorted(sent.entries()) == sorted(entries("payment", "reserve"))
    assert sent.events()[-1] == "provider.mismatch"
