"""The parts of an intent's story: movement, primitives, ledger flow, trust, the six-stage grid, history."""

from collections.abc import Mapping, Sequence
from typing import Final

from console.marks import event_tone, mark
from console.presenters.events import ReadEvent, corridor
from console.presenters.words import NONE, clock, delta, grouped, shorten, stamp, took
from console.types import FlowLine, PrimitiveView, Proof, TrustView
from console.types.intents import CandidateRow, LensStage, PacketView, RouteView, TransitionRow
from console.types.reviews import DecisionView, RuleLine
from console.types.webhooks import AttemptLine
from evidence.catalogue import CATALOGUE
from evidence.types import SealedPacket
from ledger.types import EntryRecord, LedgerFlow
from policy.types import StoredDecision
from webhooks.types import DeliveryDetail
from zentra.core.clock import iso
from zentra.core.money import format_signed
from zentra.routing.types import AttemptRecord, AttemptState, Candidate, RouteDecisionRecord
from zentra.runtime.states import END_STATES, STAGES, Status
from zentra.runtime.types import HistoryStep, IntentRecord

_FILTERED: Final[Mapping[str, str]] = {
    "not_in_corridor": "not in this corridor",
    "disabled": "disabled",
    "not_eligible": "policy does not allow it",
    "excluded": "tried before",
    "paused": "paused",
}


def movement(intent: IntentRecord) -> str:
    """payment · customer_balance → merchant_88"""
    kind = f"{intent.kind} rehearsal" if intent.is_rehearsal else intent.kind
    return f"{kind} · {intent.source_label} → {intent.destination_label}"


def primitives(
    intent: IntentRecord,
    *,
    entries: Sequence[EntryRecord],
    decision: StoredDecision | None,
    routes: Sequence[RouteDecisionRecord],
    deliveries: Sequence[DeliveryDetail],
) -> tuple[PrimitiveView, ...]:
    """The seven primitives with each one's result."""
    return (
        PrimitiveView(
            "api", f"contract valid · {shorten(intent.idempotency_key, head=18) or 'no key'}", mark("passed")
        ),
        _policy(intent, decision),
        _ledger(entries),
        PrimitiveView(
            "accounts", f"{intent.source_label} → {intent.destination_label}", mark("passed" if entries else "pending")
        ),
        _routes(intent, routes),
        _events(intent, deliveries),
        PrimitiveView("evidence", f"packet revision {intent.packet_revision}", mark("ready"))
        if intent.packet_revision
        else PrimitiveView("evidence", "not sealed yet", mark("pending")),
    )


def _policy(intent: IntentRecord, decision: StoredDecision | None) -> PrimitiveView:
    if decision is None:
        return PrimitiveView("policy", "not decided", mark("pending"))
    fired = [rule["rule"] for rule in decision.rules if rule["outcome"] in {"noted", "review", "declined"}]
    result = ", ".join(fired) or "limit_check.passed"
    state = "declined" if intent.status is Status.DECLINED else "held" if intent.status is Status.REVIEW else "passed"
    return PrimitiveView("policy", f"{result} · rule set {decision.rule_set}", mark(state))


def _ledger(entries: Sequence[EntryRecord]) -> PrimitiveView:
    if not entries:
        return PrimitiveView("ledger", "nothing posted", mark("pending"))
    postings = len({entry.posting_id for entry in entries})
    total = sum(entry.signed_minor for entry in entries)
    word = (
        f"{len(entries)} entries in {postings} posting{'' if postings == 1 else 's'} · sums to {format_signed(total)}"
    )
    return PrimitiveView("ledger", word, mark("passed" if total == 0 else "failed"))


def _routes(intent: IntentRecord, routes: Sequence[RouteDecisionRecord]) -> PrimitiveView:
    if not routes:
        return PrimitiveView("routes", "not routed", mark("pending"))
    last = routes[-1]
    if intent.is_outcome_unknown and intent.status not in END_STATES:
        return PrimitiveView("routes", f"{last.rail} · {corridor(last.corridor)}", mark("outcome unknown"))
    state = mark(intent.outcome) if intent.outcome else mark("routed", says="sent")
    return PrimitiveView("routes", f"{last.rail} · {corridor(last.corridor)}", state)


def _events(intent: IntentRecord, deliveries: Sequence[DeliveryDetail]) -> PrimitiveView:
    if not deliveries:
        return PrimitiveView("events", "no endpoint subscribed", mark(intent.event_stream))
    arrived = sum(1 for each in deliveries if each.delivery.state == "resolved")
    return PrimitiveView("events", f"{arrived} of {len(deliveries)} deliveries resolved", mark(intent.event_stream))


def flow_lines(flow: LedgerFlow) -> tuple[FlowLine, ...]:
    """The ledger flow panel: what moved (the documents' figures) and what stands now."""
    lines = []
    for row in flow.rows:
        if row.moved_minor is None:
            lines.append(
                FlowLine(row.name, row.word or "pending", NONE if row.word == "pending" else row.word or NONE, "none")
            )
        else:
            moved, stands = format_signed(row.moved_minor), format_signed(row.now_minor)
            lines.append(FlowLine(row.name, moved, stands, "pos" if row.moved_minor > 0 else "neg"))
    return tuple(lines)


def flow_note(flow: LedgerFlow) -> str:
    """What the entries add up to."""
    return f"sums to {format_signed(flow.sum_minor)}" if flow.entry_count else "nothing posted"


def trust(intent: IntentRecord, *, scope: str, signed: int, names: Mapping[str, str]) -> TrustView:
    """The trust block (PRODUCT section 5)."""
    actor = str(intent.actor.get("id", "svc_runtime"))
    credential = intent.actor.get("credential")
    who = f"svc_runtime · {shorten(str(credential), head=12)}" if credential else names.get(actor, actor)
    policy = (
        "limit_check.passed"
        if not intent.gate
        else f"{intent.gate} · {'approved by a person' if intent.reviewed_by else intent.status}"
    )
    if intent.callback_id:
        signature = f"verified · {intent.rail} callback"
    else:
        signature = "not applicable" if intent.status in END_STATES or intent.has_settled else "no callback yet"
    ledger = (
        f"{shorten(intent.reserve_entry_id, head=12)} · {shorten(intent.entry_hash, head=8)}"
        if intent.reserve_entry_id
        else "nothing posted"
    )
    ready = intent.packet_revision > 0
    return TrustView(
        rows=(
            Proof("actor", who, str(credential or actor)),
            Proof("scope", scope),
            Proof("timestamp", iso(intent.created_at)),
            Proof("policy", policy),
            Proof("intent", intent.intent_id, intent.intent_id),
            Proof("signature", signature),
            Proof("ledger", ledger, intent.reserve_entry_id or ""),
        ),
        status="audit_ready" if ready else "pending",
        ready=ready,
        sealed_by=f"{scope} log · {grouped(signed)} leaves signed" if ready else "",
    )


def lens(
    intent: IntentRecord, *, history: Sequence[HistoryStep], events: Sequence[ReadEvent], names: Mapping[str, str]
) -> tuple[LensStage, ...]:
    """The six-stage grid: layer · state · event · proof."""
    reached = {step.after: step for step in history}
    by_name = {name: event for event in events for name in event.record.names}
    start = events[0].at if events else intent.created_at
    columns = []
    for stage in STAGES:
        step = reached.get(stage.status)
        event = _event_of(stage.status, by_name)
        done = step is not None or (stage.status is Status.EVIDENCED and intent.packet_revision > 0)
        columns.append(
            LensStage(
                number=f"{stage.number:02d}",
                layer=stage.layer,
                name=stage.status.value,
                tone=event_tone(stage.event),
                state=_state_of(stage.status, intent, done=done, words=stage.words),
                event=event.name if event else stage.event,
                proof=_proof_of(stage.status, intent, done=done, fallback=stage.proof, names=names),
                at=delta(start, event.at) if event else "",
                done=done,
            )
        )
    return tuple(columns)


def _event_of(status: Status, by_name: Mapping[str, ReadEvent]) -> ReadEvent | None:
    wanted = {
        Status.ACCEPTED: ("ingress.accepted",),
        Status.CONTROLLED: (
            "review.approved",
            "review.declined",
            "policy.accepted",
            "policy.review",
            "policy.declined",
        ),
        Status.LEDGERED: ("ledger.posted",),
        Status.ROUTED: ("provider.routed",),
        Status.SYNCHRONIZED: ("money_runtime.synchronized",),
        Status.EVIDENCED: ("evidence.sealed",),
    }[status]
    return next((by_name[name] for name in wanted if name in by_name), None)


def _state_of(status: Status, intent: IntentRecord, *, done: bool, words: str) -> str:
    if status is Status.CONTROLLED and intent.status in {Status.REVIEW, Status.DECLINED} and not done:
        return "held for review" if intent.status is Status.REVIEW else "declined"
    if status is Status.ROUTED and done and intent.outcome:
        return f"provider {intent.outcome}"
    if status is Status.SYNCHRONIZED and done and intent.event_stream == "degraded":
        return "degraded, replay ready"
    return words if done else "not reached"


def _proof_of(
    status: Status, intent: IntentRecord, *, done: bool, fallback: str, names: Mapping[str, str]
) -> tuple[str, ...]:
    if not done and not (status is Status.CONTROLLED and intent.decision_id):
        return (fallback,)
    proofs: dict[Status, tuple[str, ...]] = {
        Status.ACCEPTED: (
            f"key {shorten(intent.idempotency_key, head=16)}",
            f"trace {shorten(intent.trace_id, head=10)}",
        ),
        Status.CONTROLLED: (f"rule set {intent.rule_set} · lane {intent.lane}", intent.gate or "limit_check.passed"),
        Status.LEDGERED: (
            f"hash {shorten(intent.entry_hash, head=8)}",
            f"entry …{(intent.reserve_entry_id or '')[-8:]}",
        ),
        Status.ROUTED: (
            f"{intent.rail or NONE}{' after failover' if intent.is_failover else ''}",
            shorten(intent.provider_reference or "no reference yet", head=16),
        ),
        Status.SYNCHRONIZED: (
            "signature verified" if intent.callback_id else "no callback needed",
            f"{intent.mutations} mutations · {intent.replays} replays",
        ),
        Status.EVIDENCED: (f"revision {intent.packet_revision}", f"sealed {stamp(intent.packet_sealed_at)}"),
    }
    if status is Status.CONTROLLED and intent.reviewed_by:
        return (*proofs[status], f"by {names.get(intent.reviewed_by, intent.reviewed_by)}")
    return proofs[status]


def transitions(history: Sequence[HistoryStep], *, names: Mapping[str, str]) -> tuple[TransitionRow, ...]:
    """The kept history."""
    return tuple(
        TransitionRow(
            before=step.before or "",
            after=mark(step.after),
            at=clock(step.at),
            iso=iso(step.at),
            why=step.reason,
            who=names.get(str(step.actor.get("id")), str(step.actor.get("id"))),
        )
        for step in history
    )


def routes(decisions: Sequence[RouteDecisionRecord]) -> tuple[RouteView, ...]:
    """Each corridor decision with its candidates, the chosen one first."""
    return tuple(
        RouteView(
            decision_id=decision.id,
            why=f"{'failover: ' if decision.is_failover else ''}{decision.why}",
            at=clock(decision.decided_at),
            candidates=tuple(
                CandidateRow(
                    rail=each.rail,
                    chosen=each.rail_id == decision.rail_id,
                    score=NONE if each.score is None else grouped(each.score),
                    verdict=_verdict(each),
                )
                for each in sorted(decision.candidates, key=lambda each: (each.rail_id != decision.rail_id, each.rail))
            ),
        )
        for decision in decisions
    )


def _verdict(candidate: Candidate) -> str:
    if candidate.filtered_by:
        return _FILTERED.get(candidate.filtered_by.value, candidate.filtered_by.value)
    answered, p95 = f"{candidate.success_bps / 100:.1f} % answered", took(candidate.p95_ms)
    return f"{answered} · p95 {p95} · priority {candidate.priority}"


def attempts(records: Sequence[AttemptRecord]) -> tuple[AttemptLine, ...]:
    """Each try at a rail."""
    return tuple(
        AttemptLine(
            number=f"{record.number:02d}",
            target=record.rail,
            at=clock(record.started_at),
            took=took(record.latency_ms),
            mark=mark("outcome unknown") if record.state is AttemptState.UNKNOWN else mark(record.state.value),
            detail=" · ".join(
                part
                for part in (
                    record.detail,
                    record.provider_reference or "",
                    f"asked {record.asks} times" if record.asks else "",
                )
                if part
            ),
        )
        for record in records
    )


def decision(stored: StoredDecision | None) -> DecisionView | None:
    """What policy decided, with every rule's input and outcome."""
    if stored is None:
        return None
    return DecisionView(
        stored.id,
        stored.outcome,
        f"rule set {stored.rule_set} · lane {stored.lane}",
        tuple(_rule(rule) for rule in stored.rules if rule["outcome"] != "not_applicable"),
    )


def _rule(rule: Mapping[str, object]) -> RuleLine:
    outcome, seen, limit = str(rule["outcome"]), rule.get("input_minor"), rule.get("limit_minor")
    both = isinstance(seen, int) and isinstance(limit, int)
    figure = (
        f"{seen * 100 // limit} %"
        if isinstance(seen, int) and isinstance(limit, int) and limit
        else outcome.replace("_", " ")
    )
    words = f"{grouped(seen)} of {grouped(limit)} mu · {rule['reason']}" if both else str(rule["reason"])  # type: ignore[arg-type]  # both are int
    state = {
        "passed": mark("passed"),
        "noted": mark("controlled", says="noted"),
        "review": mark("review"),
        "blocked": mark("failed", says="blocked"),
        "declined": mark("declined"),
    }
    return RuleLine(str(rule["rule"]), words, figure, state.get(outcome, mark("not asked")))


def packet(
    intent: IntentRecord, sealed: SealedPacket | None, *, events: Sequence[ReadEvent], export_url: str
) -> PacketView:
    """The packet panel: event · proof field · actor."""
    if sealed is None:
        note = "It seals once entries, outcome and amount were compared equal and the log is signed that far."
        if intent.status is Status.REVIEW:
            note = "A held intent has no packet yet: it seals when the case is decided and the intent has ended."
        return PacketView(status="pending", ready=False, note=note)
    rows = tuple(
        (event.name, CATALOGUE[event.record.type].proof if event.record.type in CATALOGUE else "id", event.who)
        for event in events
    )
    note = (
        f"{intent.undelivered} deliveries had not arrived; they are listed in it and ready to replay."
        if intent.event_stream == "degraded"
        else ""
    )
    return PacketView(
        status="audit_ready",
        ready=True,
        revision=str(sealed.revision),
        packet_id=sealed.id,
        sealed_at=stamp(sealed.created_at),
        tree=f"{grouped(sealed.checkpoint_size)} leaves · sha256 {shorten(sealed.sha256, head=10)}",
        export_url=export_url,
        rows=tuple(dict.fromkeys(rows)),
        note=note,
    )
