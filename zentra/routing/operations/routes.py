"""Choosing a rail: one read of everything that matters, a pure judgement, one row that keeps it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from zentra.core.errors import DomainError
from zentra.core.ids import new_id, to_public, to_uuid
from zentra.routing.errors import OutgoingPaused
from zentra.routing.scoring import explain, judge
from zentra.routing.types import (
    LIVE_WORDS,
    Candidate,
    CorridorRef,
    FilterReason,
    RailFacts,
    RouteDecisionRecord,
)


class NoRouteAvailable(DomainError):
    """No rail can take this; ``extra["candidates"]`` says what filtered each. Nothing was sent."""

    code = "no_route_available"
    status = 422
    title = "No rail can take this movement"


class AttemptOpen(DomainError):
    """An earlier attempt may have moved money or may yet move it; nothing is sent elsewhere before that is known."""

    code = "attempt_open"
    status = 409
    title = "An earlier attempt is not over"
    retryable = True


class StaleRoute(DomainError):
    """Somebody else decided this intent's route a moment ago; read it instead."""

    code = "stale_route"
    status = 409
    title = "The route was decided by somebody else"
    retryable = True


@dataclass(frozen=True, slots=True)
class Situation:
    """What one statement read."""

    rails: tuple[RailFacts, ...]
    is_workspace_paused: bool
    decisions: int
    open_attempt: str | None


def choose_route(
    *,
    intent_id: str,
    kind: str,
    corridor: CorridorRef,
    amount_minor: int,
    currency: str,
    eligible_rails: Collection[str] | None,
    exclude: Collection[str],
    now: datetime,
    ineligible_rails: Collection[str] = (),
) -> RouteDecisionRecord:
    """Choose the rail of an intent's next attempt and keep why: two statements, in the caller's transaction.

    ``amount_minor`` is in minor units. ``eligible_rails`` (None: all) and ``ineligible_rails`` are policy's word;
    they and ``exclude`` hold rail ids or names. A pause holds for every choice that begins after it was committed.

    Raises OutgoingPaused (try again later), NoRouteAvailable (nobody can), AttemptOpen (outcome unknown or live),
    StaleRoute (a twin was faster).
    """
    situation = _read_situation(intent_id=intent_id, corridor=corridor, currency=currency)
    if situation.open_attempt is not None:
        raise AttemptOpen(
            f"Attempt {situation.open_attempt} of {intent_id} is not over.", attempt=situation.open_attempt
        )
    if situation.is_workspace_paused:
        raise OutgoingPaused("Outgoing money of this workspace is paused.", scope="workspace")
    candidates = judge(
        facts=situation.rails, eligible_rails=eligible_rails, ineligible_rails=ineligible_rails, exclude=exclude
    )
    chosen = _require_candidate(candidates, corridor=corridor, currency=currency)
    decision = RouteDecisionRecord(
        id=new_id("rte"),
        intent_id=intent_id,
        number=situation.decisions + 1,
        kind=kind,
        corridor=corridor.label,
        amount_minor=amount_minor,
        currency=currency,
        rail_id=chosen.rail_id,
        rail=chosen.rail,
        candidates=candidates,
        why=explain(candidates),
        decided_at=now,
    )
    _keep(decision)
    return decision


def _require_candidate(candidates: tuple[Candidate, ...], *, corridor: CorridorRef, currency: str) -> Candidate:
    if candidates and candidates[0].filtered_by is None:
        return candidates[0]
    if any(candidate.filtered_by is FilterReason.PAUSED for candidate in candidates):
        raise OutgoingPaused(f"Every rail that could take {corridor.label} is paused.", scope="rail")
    filtered = {c.rail: c.filtered_by.value for c in candidates if c.filtered_by}
    raise NoRouteAvailable(f"No rail takes {currency} over {corridor.label} now.", candidates=filtered)


# The most specific corridor that takes the currency wins: each part that is named outright counts.
_SITUATION = """
    WITH corridor AS MATERIALIZED (
        SELECT id FROM routing_corridor
         WHERE source IN (%(source)s, '*') AND destination IN (%(destination)s, '*') AND method IN (%(method)s, '*')
           AND (currencies = '{}' OR %(currency)s = ANY (currencies))
         ORDER BY (source <> '*')::int + (destination <> '*')::int + (method <> '*')::int DESC, id
         LIMIT 1
    )
    SELECT (SELECT count(*) FROM routing_decision WHERE intent_id = %(intent_id)s),
           (SELECT id FROM routing_attempt WHERE intent_id = %(intent_id)s AND state = ANY (%(live)s)),
           EXISTS (SELECT FROM routing_outgoing_pause WHERE rail_id IS NULL AND resumed_at IS NULL),
           r.id, r.name, r.state = 'enabled',
           EXISTS (SELECT FROM routing_outgoing_pause p WHERE p.rail_id = r.id AND p.resumed_at IS NULL),
           t.priority, t.cost_bps, coalesce(h.samples, 0), coalesce(h.answered, 0), coalesce(h.p95_ms, 0)
      FROM (SELECT 1) AS always
      LEFT JOIN routing_rail r ON true
      LEFT JOIN corridor c ON true
      LEFT JOIN routing_corridor_rail t ON t.corridor_id = c.id AND t.rail_id = r.id
      LEFT JOIN routing_rail_health h ON h.rail_id = r.id
     ORDER BY r.name
"""


def _read_situation(*, intent_id: str, corridor: CorridorRef, currency: str) -> Situation:
    values: dict[str, Any] = {
        "intent_id": intent_id,
        "source": corridor.source,
        "destination": corridor.destination,
        "method": corridor.method,
        "currency": currency,
        "live": LIVE_WORDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SITUATION, values)
        rows = cursor.fetchall()
    decisions, open_attempt, is_paused = rows[0][:3]
    # A workspace without rails still answers one row, of nulls.
    rails = tuple(RailFacts(to_public("rail", row[3]), *row[4:]) for row in rows if row[3] is not None)
    return Situation(rails, is_paused, decisions, to_public("att", open_attempt) if open_attempt else None)


def _keep(decision: RouteDecisionRecord) -> None:
    """Insert the decision. Raises StaleRoute when its number is taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO routing_decision (id, intent_id, number, kind, corridor, amount_minor, currency, rail_id,"
            " candidates, why, decided_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                to_uuid(decision.id, prefix="rte"),
                decision.intent_id,
                decision.number,
                decision.kind,
                decision.corridor,
                decision.amount_minor,
                decision.currency,
                to_uuid(decision.rail_id, prefix="rail"),
                orjson.dumps([candidate.as_dict() for candidate in decision.candidates]).decode(),
                decision.why,
                decision.decided_at,
            ],
        )
        if cursor.rowcount != 1:
            raise StaleRoute(f"Decision {decision.number} of {decision.intent_id} exists.")
