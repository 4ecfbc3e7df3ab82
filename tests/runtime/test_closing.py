"""*Synchronized* and *evidenced*: what they mean, and that nothing which differs is sealed."""

import pytest

from tests.evidence.sealing import seal as seal_log
from tests.evidence.sealing import sequence
from tests.people import Person
from tests.runtime.story import AMOUNT, Story
from zentra.core.queue import Defer
from zentra.runtime.operations.closing import NotReconciled


@pytest.fixture
def settled(sent: Story) -> Story:
    """An intent whose money is final."""
    sent.routed()
    sent.hear("settled")
    return sent


def test_synchronized_needs_the_provider_s_last_word(sent: Story) -> None:
    sent.routed()
    sent.synchronize()
    assert sent.get().status == "routed"

    sent.hear("succeeded")
    sent.synchronize()
    assert sent.get().status == "routed"

    sent.hear("settled")
    sent.synchronize()
    assert (sent.get().status, sent.get().event_stream) == ("synchronized", "synchronized")


def test_synchronized_twice_is_said_once(settled: Story) -> None:
    settled.synchronize()
    settled.synchronize(degraded=True)

    assert settled.events().count("money_runtime.synchronized") == 1
    assert settled.get().event_stream == "synchronized"
    said = settled.event("money_runtime.synchronized")
    assert (said["signature"], said["outcome"], said["mutations"]) == ("verified", "settled", 1)


def test_a_dead_endpoint_degrades_the_stream_and_evidence_goes_on(settled: Story) -> None:
    settled.synchronize(degraded=True)
    settled.close()

    intent = settled.get()
    assert (intent.status, intent.event_stream, intent.undelivered) == ("synchronized", "degraded", 2)
    assert settled.work("runtime.seal") == 1


def test_closing_keeps_the_comparison_and_says_who_closed(settled: Story) -> None:
    settled.synchronize()

    settled.close()
    settled.close()

    closed = settled.event("review.closed")
    assert closed["closed_by"] == "svc_evidence"
    assert closed["comparison"]["equal"] is True
    assert closed["comparison"]["posted_minor"] == {
        "reserve": AMOUNT,
        "success": AMOUNT,
        "settle": AMOUNT,
        "release": 0,
    }
    assert settled.events().count("review.closed") == 1
    assert settled.event("ledger.export.ready")["entries"] == 8


def test_nothing_is_closed_before_it_is_synchronized(settled: Story) -> None:
    settled.close()

    assert settled.get().closed_at is None
    assert "review.closed" not in settled.events()


@pytest.mark.parametrize(
    "difference",
    [
        f"amount_minor = {AMOUNT + 1}",
        f"provider_amount_minor = {AMOUNT - 1}",
        "outcome = 'succeeded'",
        "outcome = NULL",
    ],
)
def test_what_differs_is_not_closed_and_the_work_stays(difference: str, settled: Story) -> None:
    settled.synchronize()
    settled.sql(f"UPDATE runtime_intent SET {difference}")

    with pytest.raises(NotReconciled) as refused:
        settled.close()

    assert refused.value.extra["equal"] is False
    assert settled.get().closed_at is None
    assert "review.closed" not in settled.events()
    assert settled.work("runtime.seal") == 0


def test_an_entry_too_many_is_a_difference(settled: Story) -> None:
    from zentra.core.tenancy import tenant_work
    from zentra.runtime.flow import post_steps
    from zentra.runtime.kinds import KINDS

    settled.synchronize()
    with tenant_work(settled.ws):
        from zentra.core.clock import now

        post_steps(settled.get(), [KINDS["payment"].release], now=now())

    with pytest.raises(NotReconciled):
        settled.close()


def test_the_packet_waits_for_a_signed_checkpoint_then_the_intent_is_evidenced(settled: Story) -> None:
    settled.synchronize()
    settled.close()
    with pytest.raises(Defer):
        settled.seal()
    sequence(settled.ws)
    with pytest.raises(Defer):
        settled.seal()
    seal_log(settled.ws)

    settled.seal()
    settled.seal()

    intent = settled.get()
    assert (intent.status, intent.final_state, intent.audit_packet) == ("evidenced", "evidenced", "ready")
    assert intent.packet_revision == 1
    assert settled.path() == ["accepted", "controlled", "ledgered", "routed", "synchronized", "evidenced"]
    assert settled.events().count("evidence.sealed") == 1


def test_a_declined_intent_is_sealed_and_stays_declined(story: Story, operator: Person) -> None:
    story.create(amount_minor=4_000_001)
    story.decline(operator.actor())
    story.close()
    seal_log(story.ws)

    story.seal()

    intent = story.get()
    assert (intent.status, intent.audit_packet) == ("declined", "ready")
    assert story.event("review.closed")["comparison"]["entries"] == 0
