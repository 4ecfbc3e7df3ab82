"""Rows of the intent table, and the whole story of one intent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from console.columns import IntentFacts, derive_columns, groups
from console.marks import mark
from console.presenters import story
from console.presenters.events import ReadEvent, timeline
from console.presenters.words import moment, money
from console.types import InspectorView, IntentActions, Mark, Person, RowView
from evidence.queries import sealed_to
from evidence.queries import timeline as read_timeline
from ledger.queries import entries_of_intent, ledger_flow
from ledger.types import EntryRecord
from policy.queries import find_decision, find_review, reviews_of_intents
from policy.reviews.people import OWNERS
from policy.types import ReviewRecord, StoredDecision
from webhooks.queries import Undelivered, deliveries_of_intent, retrying_intents, undelivered_of
from webhooks.types import DeliveryDetail
from zentra.routing.queries import list_attempts, list_decisions
from zentra.routing.types import AttemptRecord, RouteDecisionRecord
from zentra.runtime.queries import list_intents
from zentra.runtime.states import END_STATES, Status
from zentra.runtime.types import IntentRecord
from zentra.tenants.permissions import Permission
from zentra.tenants.queries import names_of_users
from zentra.tenants.roles.queries import list_holders
from zentra.tenants.types import Member

PAGE: Final = 50
FILTERS: Final = ("all", "live", "held", "retrying", "failed")
_NONE: Final = Undelivered(0, 0)
_FAILED: Final = (Status.FAILED, Status.DECLINED, Status.EXPIRED, Status.CANCELED)
_LIVE: Final = (Status.ACCEPTED, Status.CONTROLLED, Status.LEDGERED, Status.ROUTED, Status.SYNCHRONIZED)


def facts_of(intent: IntentRecord, *, undelivered: Undelivered = _NONE, has_owner: bool = False) -> IntentFacts:
    """What the derived columns need to know of an intent."""
    is_undone = intent.status in _FAILED
    return IntentFacts(
        status=intent.status.value,
        event_stream=intent.event_stream,
        gate_rule=intent.gate or "",
        rule_fired=intent.has_rule_fired,
        failover_rail=(intent.rail or "") if intent.is_failover else "",
        provider_declined=intent.outcome in {"declined", "failed"},
        outcome_unknown=intent.is_outcome_unknown and intent.status not in END_STATES,
        callback_verified=intent.callback_id is not None,
        owner_assigned=has_owner,
        ledger_matched=intent.has_settled,
        released=is_undone and intent.reserve_entry_id is not None,
        money_final=intent.has_settled,
        retrying=undelivered.next_attempt,
        undelivered=undelivered.deliveries,
        sealed=intent.packet_revision > 0,
    )


def rows_of(
    intents: Sequence[IntentRecord], *, base: str, now: datetime, link: str = "", selected: str = ""
) -> tuple[RowView, ...]:
    """Lines of the table. ``link`` is the address that selects an intent beside the list, ending where its id goes."""
    names = [intent.intent_id for intent in intents]
    undelivered = undelivered_of(intent_ids=names) if names else {}
    reviews = reviews_of_intents(intent_ids=names) if names else {}
    return tuple(
        _row(
            intent,
            facts_of(
                intent, undelivered=undelivered.get(intent.intent_id, _NONE), has_owner=intent.intent_id in reviews
            ),
            base=base,
            now=now,
            link=link,
            selected=intent.intent_id == selected,
        )
        for intent in intents
    )


def _row(intent: IntentRecord, facts: IntentFacts, *, base: str, now: datetime, link: str, selected: bool) -> RowView:
    columns = derive_columns(facts)
    return RowView(
        intent_id=intent.intent_id,
        url=f"{link}{intent.intent_id}" if link else f"{base}intents/{intent.intent_id}/",
        mark=mark(columns.status),
        money=money(intent.amount_minor, intent.currency),
        path=columns.path,
        evidence=columns.evidence,
        state=columns.state,
        moment=moment(intent.created_at, now),
        kind=intent.kind,
        groups=groups(facts),
        selected=selected,
    )


def read_page(*, wanted: str, before: tuple[datetime, str] | None, limit: int = PAGE) -> list[IntentRecord]:
    """A page of intents under a filter, one more than ``limit`` when there is a next page."""
    if wanted == "retrying":
        return list_intents(intent_ids=retrying_intents(limit=limit * 4), before=before, limit=limit + 1)
    if wanted == "held":
        found = list_intents(statuses=[Status.REVIEW], before=before, limit=limit + 1)
        unknown = [each for each in list_intents(statuses=[Status.ROUTED], limit=200) if each.is_outcome_unknown]
        unknown = [each for each in unknown if before is None or (each.created_at, each.id) < before]
        return sorted([*found, *unknown], key=lambda each: (each.created_at, each.id), reverse=True)[: limit + 1]
    statuses = {"live": _LIVE, "failed": _FAILED}.get(wanted, ())
    return list_intents(statuses=statuses, before=before, limit=limit + 1)


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known about one intent."""

    intent: IntentRecord
    events: tuple[ReadEvent, ...]
    entries: tuple[EntryRecord, ...]
    decision: StoredDecision | None
    review: ReviewRecord | None
    routes: tuple[RouteDecisionRecord, ...]
    attempts: tuple[AttemptRecord, ...]
    deliveries: tuple[DeliveryDetail, ...]
    undelivered: Undelivered
    names: dict[str, str]

    @property
    def columns(self) -> Mark:
        """The status as the table shows it."""
        facts = facts_of(self.intent, undelivered=self.undelivered, has_owner=self.review is not None)
        return mark(derive_columns(facts).status)


def read_story(intent: IntentRecord) -> Story:
    """Read an intent's story through the doors of every app that knows a part of it."""
    intent_id = intent.intent_id
    review = find_review(intent_id=intent_id)
    people = [review.owner, review.decided_by or ""] if review else []
    return Story(
        intent=intent,
        events=tuple(ReadEvent(event) for event in read_timeline(intent_id=intent_id, limit=400)),
        entries=tuple(entries_of_intent(intent_id=intent_id)),
        decision=find_decision(intent_id=intent_id),
        review=review,
        routes=tuple(list_decisions(intent_id=intent_id)),
        attempts=tuple(list_attempts(intent_id=intent_id)),
        deliveries=tuple(deliveries_of_intent(intent_id=intent_id)),
        undelivered=undelivered_of(intent_ids=[intent_id]).get(intent_id, _NONE),
        names=names_of_users(user_ids=[*people, str(intent.actor.get("id", ""))]),
    )


def inspect(
    found: Story, *, member: Member, base: str, now: datetime, chosen: bool = False, close_url: str = ""
) -> InspectorView:
    """The selected intent, whole."""
    intent = found.intent
    flow = ledger_flow(intent_id=intent.intent_id, final=intent.status in END_STATES)
    sealed = sealed_to(now=now)
    return InspectorView(
        intent_id=intent.intent_id,
        mark=found.columns,
        money=money(intent.amount_minor, intent.currency),
        words=story.movement(intent),
        timeline=timeline(
            found.events, event_url=lambda event_id: f"{base}events/{event_id}/", sealed=intent.packet_revision > 0
        ),
        primitives=story.primitives(
            intent, entries=found.entries, decision=found.decision, routes=found.routes, deliveries=found.deliveries
        ),
        flow=story.flow_lines(flow),
        flow_note=story.flow_note(flow),
        trust=story.trust(intent, scope=member.workspace.slug, signed=sealed.signed, names=found.names),
        actions=_actions(found, member=member, base=base),
        chosen=chosen,
        close_url=close_url,
    )


def _actions(found: Story, *, member: Member, base: str) -> IntentActions:
    intent, review = found.intent, found.review
    page = f"{base}intents/{intent.intent_id}/"
    is_held = review is not None and review.state == "open"
    may_export = member.may(Permission.PACKETS_EXPORT)
    may_assign = is_held and member.may(Permission.REVIEWS_ASSIGN)
    return IntentActions(
        intent_id=intent.intent_id,
        page_url=page,
        export_url=f"{page}packet/" if may_export and intent.packet_revision else "",
        export_note="" if intent.packet_revision else "The packet can be exported once it is sealed.",
        replay_url=f"{base}webhooks/replay/"
        if found.undelivered.deliveries and member.may(Permission.WEBHOOKS_REPLAY)
        else "",
        replay_count=found.undelivered.deliveries,
        assign_url=f"{page}assign/" if may_assign else "",
        assignees=assignees(member) if may_assign else (),
        owner=found.names.get(review.owner, review.owner) if is_held and review else "",
        review_url=f"{base}reviews/?selected={intent.intent_id}"
        if is_held and member.may(Permission.REVIEWS_DECIDE)
        else "",
    )


def assignees(member: Member) -> tuple[Person, ...]:
    """Who may own a case here, those on shift first."""
    given = OWNERS["operations"]
    able = list_holders(workspace_id=member.workspace.id, having=given.having, lacking=given.lacking)
    people = sorted(able, key=lambda person: not person[2])
    names = names_of_users(user_ids=[user_id for user_id, _role, _shift in people])
    return tuple(
        Person(user_id, f"{names.get(user_id, user_id)} · {role}{'' if on_shift else ' · off shift'}")
        for user_id, role, on_shift in people
    )
