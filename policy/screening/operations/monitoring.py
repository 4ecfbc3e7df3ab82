"""Monitoring: whoever moved something since the last pass is judged by every scenario. Twice is harmless.

A pass is cut into slices, each its own transaction; the cursor moves when all of them are done, so that a pass that
died is done again, and what it had found is found to be known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from policy.reviews.types import NewAlert
from policy.screening import cases, store
from policy.screening.models import Finding, Party, Setting
from policy.screening.monitoring import history
from policy.screening.monitoring.scenarios import LONGEST_DAYS, SCENARIOS, is_switched_off, numbers_of
from policy.screening.monitoring.types import Numbers, Scenario, Verdict
from policy.screening.operations.settings import ROW, StaleSettings, lock_settings
from zentra.core import actors, ids
from zentra.core.actors import Actor
from zentra.core.errors import DomainError

SLICE: Final = 100
"""Customers in one transaction."""

OVERLAP: Final = timedelta(minutes=2)
"""What committed late is seen by the next pass."""

DAILY_OVERLAP: Final = timedelta(days=3)
"""Once a day everybody of the last days is looked at again: what was held meanwhile counts once it is approved."""

LONGEST_PASS: Final = timedelta(days=1)


class InvalidMonitor(DomainError):
    """There is no such scenario, or it has no such number."""

    code = "invalid_scenario"
    status = 422
    title = "The scenario cannot be set like this"


@dataclass(frozen=True, slots=True)
class Span:
    """What one pass looks at: movements in ``[since, until)``."""

    since: datetime
    until: datetime


def next_span(*, now: datetime) -> Span:
    """Where the next pass begins and ends; the first one begins a day ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT looked_to FROM screening_monitor_turn WHERE id = 1")
        row = cursor.fetchone()
    looked_to: datetime = row[0] if row and row[0] else now - LONGEST_PASS
    # A clock that went back makes an empty span, never a cursor that is ahead for ever.
    until = min(now, looked_to + LONGEST_PASS)
    overlap = DAILY_OVERLAP if looked_to.date() != until.date() else OVERLAP
    return Span(min(looked_to, until) - overlap, until)


def customers_in(*, span: Span, after: str) -> list[str]:
    """The next customers of a pass, after this one; none when it is done."""
    return history.who_moved(since=span.since, until=span.until, after=after, limit=SLICE)


@transaction.atomic(savepoint=False)
def judge_customers(*, references: Sequence[str], now: datetime) -> int:
    """Judge these customers by every scenario, as of now; returns how many findings are new."""
    changed = _numbers_set_here()
    parties: dict[str, str] = dict(
        Party.objects.filter(reference__in=references).values_list("reference", "id")  # type: ignore[arg-type]  # our ids are texts
    )
    found = 0
    for each in history.read_histories(references=references, days=LONGEST_DAYS + 1, now=now):
        for scenario in SCENARIOS:
            if is_switched_off(scenario, changed):
                continue
            verdict = scenario.judge(each, numbers_of(scenario, changed), now)
            if verdict is not None:
                found += _raise(each.reference, parties.get(each.reference), scenario, verdict, now=now)
    return found


@transaction.atomic(savepoint=False)
def end_pass(*, span: Span) -> None:
    """The pass is done: the next one begins where it ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO screening_monitor_turn (id, looked_to) VALUES (1, %s)"
            " ON CONFLICT (id) DO UPDATE SET looked_to = excluded.looked_to",
            [span.until],
        )


@transaction.atomic(savepoint=False)
def set_monitor(
    *, scenario: str, changes: Mapping[str, Any], version: int, actor: Actor, now: datetime
) -> Mapping[str, Numbers]:
    """Give a scenario other numbers, or switch it off with ``{"is_enabled": false}``; returns all that is set.

    Raises:
        InvalidMonitor: no such scenario or number, or a number of another kind.
        StaleSettings: with the ``version`` of now.
    """
    known = next((each for each in SCENARIOS if each.name == scenario), None)
    if known is None:
        raise InvalidMonitor(f"{scenario[:40]!r} is no scenario.")
    for name, value in changes.items():
        usual = True if name == "is_enabled" else known.numbers.get(name)
        if usual is None or type(value) is not type(usual) or (isinstance(value, int) and value < 0):
            raise InvalidMonitor(f"{scenario} takes no such {name[:40]!r}.")
    row = lock_settings()
    if row.version != version:
        raise StaleSettings(f"They are at version {row.version} by now.", version=row.version)
    row.monitors = {**row.monitors, scenario: {**row.monitors.get(scenario, {}), **changes}}
    row.version += 1
    row.save(update_fields=["monitors", "version"])
    with connection.cursor() as cursor:
        # The last days are judged once more, by the numbers of now.
        cursor.execute("UPDATE screening_monitor_turn SET looked_to = NULL")
    store.tell(
        type="screening.settings_changed", actor=actor, now=now, version=row.version,
        hit_from_score=row.hit_from_score, kyc_lasts_days=row.kyc_lasts_days,
    )  # fmt: skip
    monitors: Mapping[str, Numbers] = row.monitors
    return monitors


def _numbers_set_here() -> Mapping[str, Numbers]:
    row = Setting.objects.filter(id=ROW).first()
    return {} if row is None else row.monitors


def _raise(reference: str, party_id: str | None, scenario: Scenario, verdict: Verdict, *, now: datetime) -> bool:
    """Keep a finding and open its case; False when it was found before."""
    finding_id = ids.new_id("aml")
    row = Finding(
        id=finding_id, reference=reference, party_id=party_id, scenario=scenario.name, period=verdict.period,
        currency=verdict.currency, score=scenario.score, facts=verdict.facts, found_at=now,
    )  # fmt: skip
    Finding.objects.bulk_create([row], ignore_conflicts=True)
    if not Finding.objects.filter(id=finding_id).exists():
        return False
    review_id = cases.raise_alert(
        subject=party_id or reference,
        party_id=party_id or "",
        alert=NewAlert(
            "aml", f"aml.{scenario.name}", f"{scenario.words}: {verdict.period}", scenario.score, finding_id
        ),
        now=now,
    )
    Finding.objects.filter(id=finding_id).update(review_id=review_id)
    store.tell(
        type="screening.finding_raised", actor=actors.POLICY, now=now, finding_id=finding_id, party_id=party_id,
        scenario=scenario.name, period=verdict.period, score=scenario.score, is_party_known=party_id is not None,
    )  # fmt: skip
    return True
