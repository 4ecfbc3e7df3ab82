"""The derived columns, as PRODUCT section 5 fixes them: this table is their definition."""

# ruff: noqa: E501  # a table is read across

import pytest

from console.columns import Columns, IntentFacts, derive_columns, groups


def facts(status: str, **changes: object) -> IntentFacts:
    return IntentFacts(status=status, **changes)  # type: ignore[arg-type]  # the table below is typed by eye


TABLE = [
    # the documents' own four intents
    (facts("routed", rule_fired=True, callback_verified=True), ("routed", "policy path", "signature ok", "live")),
    (facts("ledgered", ledger_matched=True, money_final=True), ("ledgered", "clean", "ledger matched", "settled")),
    (facts("review", gate_rule="limit.single_intent", owner_assigned=True), ("review", "limit gate", "operator assigned", "held")),
    (facts("routed", money_final=True, ledger_matched=True, retrying=2, undelivered=1), ("syncing", "event delay", "replay ready", "retry 02")),
    # the way of an ordinary intent
    (facts("accepted"), ("accepted", "—", "trace opened", "live")),
    (facts("controlled"), ("controlled", "clean", "trace opened", "live")),
    (facts("ledgered"), ("ledgered", "clean", "trace opened", "live")),
    (facts("routed"), ("routed", "clean", "trace opened", "live")),
    (facts("routed", callback_verified=True), ("routed", "clean", "signature ok", "live")),
    (facts("routed", callback_verified=True, money_final=True, ledger_matched=True), ("syncing", "clean", "ledger matched", "settled")),
    (facts("synchronized", callback_verified=True, money_final=True, ledger_matched=True), ("synchronized", "clean", "ledger matched", "settled")),
    (facts("evidenced", callback_verified=True, money_final=True, ledger_matched=True, sealed=True), ("evidenced", "clean", "packet sealed", "settled")),
    # gates come before anything else on the path
    (facts("review", gate_rule="velocity.outgoing_24h", owner_assigned=True), ("review", "velocity gate", "operator assigned", "held")),
    (facts("evidenced", gate_rule="limit.rolling_24h", owner_assigned=True, failover_rail="rail_b", money_final=True, sealed=True), ("evidenced", "limit gate", "packet sealed", "settled")),
    (facts("declined", gate_rule="sanctions.name_match"), ("declined", "sanctions gate", "trace opened", "settled")),
    # providers
    (facts("routed", failover_rail="rail_b", callback_verified=True), ("routed", "failover → rail_b", "signature ok", "live")),
    (facts("routed", failover_rail="rail_b", retrying=1), ("routed", "failover → rail_b", "replay ready", "retry 01")),
    (facts("routed", outcome_unknown=True), ("routed", "clean", "trace opened", "held")),
    (facts("failed", provider_declined=True, released=True), ("failed", "provider declined", "release entry", "released")),
    (facts("failed", provider_declined=True, released=True, sealed=True), ("failed", "provider declined", "packet sealed", "released")),
    (facts("declined", provider_declined=True, released=True), ("declined", "provider declined", "release entry", "released")),
    (facts("expired", released=True, sealed=True), ("expired", "clean", "packet sealed", "released")),
    (facts("canceled"), ("canceled", "clean", "trace opened", "settled")),
    # a dead consumer after the deadline: sealed, and still ready to replay
    (facts("evidenced", event_stream="degraded", undelivered=3, money_final=True, sealed=True), ("evidenced", "event delay", "packet sealed", "settled")),
    (facts("evidenced", event_stream="degraded", undelivered=3, retrying=12, money_final=True, sealed=True), ("evidenced", "event delay", "packet sealed", "retry 12")),
    (facts("reversed", money_final=True, sealed=True), ("reversed", "clean", "packet sealed", "reversed")),
    (facts("routed", on_hold=True), ("routed", "clean", "trace opened", "held")),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), TABLE)
def test_columns_are_derived_from_the_facts(given: IntentFacts, expected: tuple[str, str, str, str]) -> None:
    assert derive_columns(given) == Columns(*expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts("routed"), ("all", "live")),
        (facts("routed", money_final=True, retrying=2), ("all", "live", "retrying")),
        (facts("review", gate_rule="limit.x"), ("all", "held")),
        (facts("routed", outcome_unknown=True), ("all", "held")),
        (facts("evidenced", money_final=True), ("all",)),
        (facts("failed", released=True), ("all", "failed")),
    ],
)
def test_each_intent_shows_under_its_filters(given: IntentFacts, expected: tuple[str, ...]) -> None:
    assert groups(given) == expected
