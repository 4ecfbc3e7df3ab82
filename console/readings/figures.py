"""The room's figures: six stages and five KPIs. Every one is a real query and agrees with the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from console.marks import event_tone
from console.presenters.words import NONE, age, grouped, percent, short, spark, took
from console.types import KpiView, StageView
from evidence.queries import sealed_to
from ledger.integrity.types import CheckRunRecord
from ledger.queries import drift_by_currency, latest_check
from ledger.types import Drift
from policy.queries import count_open_reviews
from webhooks.queries import count_retrying, health_24h
from zentra.core.money import format_minor
from zentra.runtime.queries import count_by_status, count_held
from zentra.runtime.rollups import Volume, stage_figures, volumes
from zentra.runtime.states import STAGES, Status

_WORDS: Final = {
    Status.ACCEPTED: "request accepted",
    Status.CONTROLLED: "scope control passed",
    Status.LEDGERED: "reserve posted",
    Status.ROUTED: "rail selected",
    Status.SYNCHRONIZED: "stream healthy",
    Status.EVIDENCED: "packet sealed",
}

_ALERTS: Final = ("review", "unknown", "failing", "retrying")


def read_stages(*, now: datetime) -> tuple[StageView, ...]:
    """The six states: reached in 24 hours, what waits there now, p95 of the step that leads there, the curve."""
    figures, waiting = stage_figures(now=now), _waiting()
    views = []
    for stage in STAGES:
        found = figures[stage.status.value]
        line, area = spark(found.curve)
        views.append(
            StageView(
                number=f"{stage.number:02d}",
                layer=stage.short,
                name=stage.status.value,
                tone=event_tone(stage.event),
                count=grouped(found.reached),
                words=_WORDS[stage.status],
                waiting=waiting.get(stage.status, ""),
                alert=any(word in waiting.get(stage.status, "") for word in _ALERTS),
                p95=took(found.p95_ms),
                line=line,
                area=area,
            )
        )
    return tuple(views)


def _waiting() -> dict[Status, str]:
    """What stands at each stage now, in words; nothing where nothing does."""
    by_status, held = count_by_status(), count_held()
    routed = by_status.get(Status.ROUTED, 0)
    parts = {
        Status.ACCEPTED: [(by_status.get(Status.ACCEPTED, 0), "to decide")],
        Status.CONTROLLED: [
            (by_status.get(Status.REVIEW, 0), "in review"),
            (by_status.get(Status.CONTROLLED, 0), "to post"),
        ],
        Status.LEDGERED: [(by_status.get(Status.LEDGERED, 0), "to route")],
        Status.ROUTED: [
            (held.outcome_unknown, "outcome unknown"),
            (held.failing_over, "failing over"),
            (routed - held.syncing, "pending"),
        ],
        Status.SYNCHRONIZED: [(count_retrying(), "retrying"), (held.syncing, "syncing")],
        Status.EVIDENCED: [(by_status.get(Status.SYNCHRONIZED, 0), "to seal")],
    }
    return {
        status: " · ".join(f"{grouped(count)} {word}" for count, word in counted if count > 0)
        for status, counted in parts.items()
        if any(count > 0 for count, _ in counted)
    }


def read_kpis(*, now: datetime, ledger_currency: str, base: str = "") -> tuple[KpiView, ...]:
    """State volume, open reviews, webhook health, ledger drift, sealed to. ``base`` is the workspace's address."""
    return (
        _volume(volumes(now=now), ledger_currency),
        _reviews(now),
        _webhooks(now, base),
        _drift(drift_by_currency(), latest_check(), now, base),
        _sealed(now),
    )


def _volume(found: Sequence[Volume], ledger_currency: str) -> KpiView:
    """Per currency, the ledger currency first, never added across."""
    ordered = sorted(found, key=lambda each: (each.currency != ledger_currency, each.currency))
    own = next((each.amount_minor for each in ordered if each.currency == ledger_currency), 0)
    others = sum(1 for each in ordered if each.currency != ledger_currency)
    return KpiView(
        key="volume",
        label="state volume",
        value=short(own),
        unit=f"mu {ledger_currency}",
        note=f"+{others} currenc{'y' if others == 1 else 'ies'}" if others else "ledgered in 24 h",
        more_head=("", "minor units", "amount", "intents"),
        more=tuple(
            (
                each.currency,
                grouped(each.amount_minor),
                format_minor(each.amount_minor, each.currency),
                grouped(each.intents),
            )
            for each in ordered
        ),
    )


def _reviews(now: datetime) -> KpiView:
    count, oldest = count_open_reviews()
    return KpiView(
        "reviews",
        "open reviews",
        grouped(count),
        "",
        f"oldest {age(now - oldest)}" if oldest else "nothing waits",
        "alert" if count else "",
    )


def _webhooks(now: datetime, base: str) -> KpiView:
    """Deliveries resolved ÷ deliveries first due, and the same counts behind it; the Webhooks room says no other."""
    health = health_24h(now=now)
    is_low = health.percent is not None and health.percent < 99
    return KpiView(
        key="webhooks",
        label="webhook health",
        value=percent(health.percent),
        unit="" if health.percent is None else "%",
        note=f"{grouped(health.retrying)} retrying" if health.retrying else f"{grouped(health.resolved)} resolved",
        level="alert" if is_low else "",
        more=(
            ("first due in 24 h", grouped(health.first_due)),
            ("of them resolved", grouped(health.resolved)),
            ("retrying now", grouped(health.retrying)),
        ),
        more_url=f"{base}webhooks/" if base else "",
        more_title="Endpoints, and what did not arrive",
    )


def _drift(found: Sequence[Drift], check: CheckRunRecord | None, now: datetime, base: str) -> KpiView:
    """Account balances summed per currency now; the re-sum of all entries and the integrity check with their ages."""
    off = [each for each in found if each.drift_minor]
    ages = [each.resummed_at for each in found if each.resummed_at]
    diverging = sum(each.diverging_accounts or 0 for each in found)
    diverged = check is not None and check.state == "diverged"
    bad = bool(off) or diverging > 0 or diverged or any(each.resum_minor for each in found)
    return KpiView(
        key="drift",
        label="ledger drift",
        value=grouped(off[0].drift_minor) if off else "0",
        unit=f"mu {off[0].currency}" if off else "mu",
        note="check diverged" if diverged else f"re-summed {age(now - min(ages))} ago" if ages else "not re-summed yet",
        level="bad" if bad else "",
        more_words=_checked(check, now),
        more_url=f"{base}ledger/health/" if base else "",
        more_title="Ledger health, and from each currency to its accounts",
        more_head=("", "balances", "entries", "accounts", "re-summed"),
        more=tuple(
            (
                each.currency,
                grouped(each.drift_minor),
                NONE if each.resum_minor is None else grouped(each.resum_minor),
                grouped(each.accounts),
                age(now - each.resummed_at) if each.resummed_at else NONE,
            )
            for each in found
        ),
    )


def _checked(check: CheckRunRecord | None, now: datetime) -> str:
    """The latest integrity check in one line, with the first divergent row when there is one."""
    if check is None:
        return "integrity check: never run"
    said = f"integrity check: {check.state}, {age(now - check.started_at)} ago"
    return f"{said}. {check.first.sentence}" if check.first else said


def _sealed(now: datetime) -> KpiView:
    sealed = sealed_to(now=now)
    behind = f"{took(sealed.age_seconds * 1000)} behind" if sealed.age_seconds else "nothing waits"
    return KpiView(
        "sealed", "sealed to", f"#{grouped(sealed.signed)}", "", behind, "alert" if sealed.age_seconds > 60 else ""
    )
