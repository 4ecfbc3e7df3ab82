"""Whose a case is, what is said about it, and what joins it; every refusal leaves it as it was."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage

from policy.reviews import registry
from policy.reviews.operations import (
    AlertAlreadyResolved,
    AttachmentTooLarge,
    AttachmentTypeRefused,
    CannotOwnReview,
    FullyEscalated,
    InvalidSnooze,
    InvalidView,
    NoSuchAlert,
    NoSuchReview,
    ReasonRequired,
    ReviewAlreadyDecided,
    ReviewClaimed,
    StaleReview,
    TooManyReviews,
    add_note,
    assign_review,
    attach,
    bulk_assign,
    claim_review,
    decline_review,
    escalate_review,
    hand_over,
    note_change,
    remove_view,
    resolve_alert,
    save_view,
    settle_case,
    snooze_review,
)
from policy.reviews.operations.notes import MAX_ATTACHMENT_BYTES
from policy.reviews.queries import (
    AttachmentDamaged,
    alerts_of,
    attachments_of,
    count_owned_by_queue,
    find_alert,
    notes_of,
    read_attachment,
    related_reviews,
    review_statistics,
    saved_views,
    steps_of,
)
from policy.reviews.types import QUEUE_OWNER, NewAlert, ReviewRecord
from tests import workspaces
from tests.ledger.book import at_once
from tests.people import Person, join
from tests.policy.cases import Cases
from zentra.core import actors, clock, ids

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from zentra.core.tenancy import TenantRef

PDF = b"%PDF-1.7 a passport"


@pytest.fixture(scope="module")
def workspace(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[TenantRef]:
    """One for all of these: each test looks at cases of its own."""
    with django_db_blocker.unblock():
        made = workspaces.create(slug=f"t-{secrets.token_hex(5)}", mode="sandbox", ledger_currency="USD")
        yield made
        workspaces.drop(made)


@pytest.fixture
def cases(workspace: TenantRef, database: None) -> Cases:
    return Cases(workspace)


def put(cases: Cases, review: ReviewRecord, person: Person, **words: Any) -> Any:
    said: dict[str, Any] = {"name": "passport.pdf", "content_type": "application/pdf", "content": PDF, **words}
    return cases.do(attach, review_id=review.id, actor=person.actor(), **said)


def test_concurrent_alerts_about_one_subject_are_one_case(cases: Cases) -> None:
    subject = ids.new_id("req")
    alerts = [NewAlert("aml", f"aml.{n}", score=n * 10) for n in range(8)]

    results = at_once([lambda a=a: cases.open(subject, alert=a) for a in alerts], threads=8)  # type: ignore[misc]  # bound at once

    assert {review.id for review in results if isinstance(review, ReviewRecord)} == {results[0].id}  # type: ignore[union-attr]  # none failed
    review = cases.get(results[0])  # type: ignore[arg-type]  # none failed
    assert {alert.name for alert in cases.ask(alerts_of, review_id=review.id)} == {alert.name for alert in alerts}
    assert (review.score, review.owner != "") == (70, True)
    assert len(cases.recorded(review, "opened")) == 1
    cases.open(subject, alert=alerts[3])
    assert len(cases.ask(alerts_of, review_id=review.id)) == 8
    assert cases.get(review).version == review.version


def test_after_its_end_the_same_subject_is_another_case(cases: Cases) -> None:
    first = cases.open("again")
    words = {"kind": "exception", "subject": "again", "actor": actors.RUNTIME}
    ended = cases.do(settle_case, **words)
    assert ended is not None
    assert (ended.state, ended.outcome_code, ended.decided_by) == ("resolved", "ended", "svc_runtime")
    assert cases.do(settle_case, **words) is None

    second = cases.open("again")

    assert second.id != first.id
    assert [review.id for review in cases.ask(related_reviews, review=second)] == [first.id]
    assert len(cases.recorded(first, "resolved")) == 1


def test_a_case_is_related_to_those_of_the_same_customer_and_party(cases: Cases) -> None:
    customer, party = f"cust_{secrets.token_hex(4)}", ids.new_id("pty")
    first, second = cases.hold(customer=customer), cases.hold(customer=customer)
    cases.hold(customer=f"cust_{secrets.token_hex(4)}")
    beside = cases.open(party, kind="alert", queue="compliance", party_id=party)
    cases.sql("UPDATE policy_review SET party_id = %s WHERE id = %s", [party, ids.to_uuid(first.id, prefix="rev")])

    related = cases.ask(related_reviews, review=cases.get(first))

    assert [review.id for review in related] == [beside.id, second.id]
    assert [review.id for review in cases.ask(related_reviews, review=beside)] == [first.id]


def test_what_is_raised_while_a_case_ends_is_in_it_or_in_the_next(cases: Cases) -> None:
    subject = ids.new_id("req")

    def end() -> ReviewRecord | None:
        return cases.do(settle_case, kind="exception", subject=subject, actor=actors.RUNTIME)

    calls: list[Any] = [
        call for n in range(8) for call in (lambda n=n: cases.open(subject, alert=NewAlert("aml", f"aml.{n}")), end)
    ]
    results = at_once(calls, threads=8)

    assert [each for each in results if isinstance(each, Exception)] == []
    names = cases.sql(
        "SELECT a.name FROM policy_review_alert a JOIN policy_review r ON r.id = a.review_id WHERE r.subject = %s",
        [subject],
    )
    assert sorted(name for (name,) in names) == [f"aml.{n}" for n in range(8)]


def test_what_blocks_by_now_is_compliance_s_and_needs_two(cases: Cases, operator: Person, compliance: Person) -> None:
    review = cases.hold()
    cases.do(claim_review, review_id=review.id, actor=operator.actor())
    alert = NewAlert("rule", "sanctions.unresolved", reference="now_blocked")
    words: dict[str, Any] = {"review_id": review.id, "alert": alert, "needs_two": True, "is_blocking": True}

    changed = [cases.do(note_change, **words, actor=actors.POLICY) for _ in range(2)]

    assert changed[0] == changed[1]
    assert changed[0] is not None
    assert (changed[0].queue, changed[0].approvals_needed, changed[0].claimed_by) == ("compliance", 2, None)
    assert changed[0].owner != operator.id
    cases.do(decline_review, review_id=review.id, actor=compliance.actor(), reason_code="sanctions_match", note="")
    assert cases.do(note_change, **words, actor=actors.POLICY) is None


def test_a_case_is_handed_over_with_a_note_by_whoever_works_on_it(
    cases: Cases, operator: Person, operator2: Person
) -> None:
    review = cases.hold()
    cases.do(claim_review, review_id=review.id, actor=operator.actor())
    words: dict[str, Any] = {"review_id": review.id, "to": operator2.id}

    with pytest.raises(ReviewClaimed):
        cases.do(hand_over, **words, note="mine now", actor=operator2.actor())
    with pytest.raises(ReasonRequired):
        cases.do(hand_over, **words, note=" ", actor=operator.actor())
    given = cases.do(hand_over, **words, note="she knows Jane Roe", actor=operator.actor())

    assert (given.owner, given.claimed_by, given.version) == (operator2.id, None, review.version + 1)
    [step] = [each for each in cases.ask(steps_of, review_id=review.id) if each.what == "handed_over"]
    assert (step.by, step.after, step.words) == (operator.id, operator2.id, "she knows Jane Roe")
    assert "Jane" not in str(cases.events(review))


def test_a_case_goes_to_nobody_who_could_not_decide_it(
    cases: Cases, operator: Person, operator2: Person, support: Person
) -> None:
    mine, theirs = cases.hold(maker=operator.id), cases.hold(queue="compliance")

    for review, owner in ((mine, operator.id), (theirs, operator.id), (mine, support.id), (mine, QUEUE_OWNER)):
        with pytest.raises(CannotOwnReview):
            cases.do(assign_review, review_id=review.id, owner=owner, actor=operator2.actor())
    with pytest.raises(StaleReview):
        cases.do(assign_review, review_id=mine.id, owner=operator2.id, actor=operator2.actor(), version=9)
    assert cases.get(mine) == mine


def test_several_are_assigned_at_once_and_each_refusal_is_named(cases: Cases, operator: Person) -> None:
    made = [cases.hold() for _ in range(3)]
    mine, unknown = cases.hold(maker=operator.id), ids.new_id("rev")
    words = {"owner": operator.id, "actor": operator.actor()}

    done = cases.do(bulk_assign, review_ids=[*(each.id for each in made), mine.id, unknown], **words)

    assert {review.id for review in done.assigned} == {each.id for each in made}
    assert dict(done.refused) == {mine.id: "cannot_own_review", unknown: "review_not_found"}
    with pytest.raises(TooManyReviews):
        cases.do(bulk_assign, review_ids=[ids.new_id("rev") for _ in range(201)], **words)


def test_two_who_assign_the_same_cases_in_other_orders_both_finish(
    cases: Cases, operator: Person, operator2: Person
) -> None:
    made = [cases.hold().id for _ in range(6)]

    results = at_once(
        [
            lambda ids=order, p=p: cases.do(bulk_assign, review_ids=ids, owner=p.id, actor=p.actor())  # type: ignore[misc]  # bound at once
            for order, p in ((made, operator), (made[::-1], operator2)) * 4
        ],
        threads=8,
    )

    assert [each for each in results if isinstance(each, Exception)] == []
    owners = cases.sql(
        "SELECT DISTINCT owner FROM policy_review WHERE id = ANY(%s)", [[ids.to_uuid(r, prefix="rev") for r in made]]
    )
    assert len(owners) == 1


def test_a_case_goes_up_to_compliance_then_to_an_admin_and_no_further(
    cases: Cases, operator: Person, compliance: Person, admin: Person
) -> None:
    review = cases.hold()
    words: dict[str, Any] = {"review_id": review.id, "note": "beyond me"}

    with pytest.raises(ReasonRequired):
        cases.do(escalate_review, review_id=review.id, note="", actor=operator.actor())
    first = cases.do(escalate_review, **words, actor=operator.actor())
    second = cases.do(escalate_review, **words, actor=compliance.actor())
    with pytest.raises(FullyEscalated):
        cases.do(escalate_review, **words, actor=admin.actor())

    assert (first.queue, first.escalation, first.escalated_by) == ("compliance", 1, operator.id)
    assert (second.escalation, second.owner != "") == (2, True)
    assert [data["level"] for data in cases.recorded(review, "escalated")] == [1, 2]


def test_a_case_is_never_unowned_even_where_nobody_is(cases: Cases, make_workspace: Any) -> None:
    empty = Cases(make_workspace())
    review = empty.open()
    assert review.owner == QUEUE_OWNER
    count, oldest = empty.ask(count_owned_by_queue)
    assert count == 1
    assert oldest is not None
    lone = join(empty.ws, role="operator", on_shift=False)

    raised = empty.do(escalate_review, review_id=review.id, note="nobody here", actor=lone.actor())

    assert raised.owner == QUEUE_OWNER


def test_a_case_sleeps_for_seven_days_at_most_and_with_a_reason(cases: Cases, operator: Person) -> None:
    review, now = cases.hold(), clock.now()
    words: dict[str, Any] = {"review_id": review.id, "actor": operator.actor(), "now": now}

    for until in (now, now - timedelta(1), now + timedelta(days=7, seconds=1)):
        with pytest.raises(InvalidSnooze):
            cases.do(snooze_review, **words, until=until, reason="later")
    with pytest.raises(ReasonRequired):
        cases.do(snooze_review, **words, until=now + timedelta(1), reason="")

    assert cases.get(review) == review


def test_notes_name_members_only_and_stay_out_of_the_evidence(
    cases: Cases, operator: Person, operator2: Person, outsider: Person
) -> None:
    review = cases.hold()

    note = cases.do(
        add_note, review_id=review.id, text="Jane Roe called", actor=operator.actor(),
        mentions=[operator2.id, outsider.id, "nobody", operator2.id],
    )  # fmt: skip

    assert note.mentions == (operator2.id,)
    assert [each.text for each in cases.ask(notes_of, review_id=review.id)] == ["Jane Roe called"]
    [told] = cases.recorded(review, "noted")
    assert (told["note_id"], told["mentions"]) == (note.id, [operator2.id])
    assert "Jane" not in str(cases.events(review))
    with pytest.raises(ReasonRequired):
        cases.do(add_note, review_id=review.id, text=" \n", actor=operator.actor())


def test_a_file_is_kept_once_and_read_as_it_was(cases: Cases, operator: Person) -> None:
    review = cases.hold()

    first = put(cases, review, operator, name="../../My passport?.pdf")
    again = put(cases, review, operator, name="../../My passport?.pdf")

    assert (first.name, first.size, again.id) == ("My passport_.pdf", len(PDF), first.id)
    assert cases.ask(read_attachment, review_id=review.id, attachment_id=first.id)[1] == PDF
    [told] = cases.recorded(review, "attached")
    assert (told["sha256"], told["size"]) == (first.sha256, len(PDF))
    assert "passport" not in str(cases.events(review))
    with pytest.raises(NoSuchReview):
        cases.ask(read_attachment, review_id=cases.hold().id, attachment_id=first.id)


def test_what_a_file_is_not_it_is_not_kept_as(cases: Cases, operator: Person) -> None:
    review = cases.hold()

    for words in (
        {"content_type": "text/html", "content": b"<script>"},
        {"content_type": "application/pdf", "content": b"MZ\x90"},
        {"content_type": "text/plain", "content": b"a\0b"},
    ):
        with pytest.raises(AttachmentTypeRefused):
            put(cases, review, operator, **words)
    for content in (b"", b"%PDF-" + b"x" * MAX_ATTACHMENT_BYTES):
        with pytest.raises(AttachmentTooLarge):
            put(cases, review, operator, content=content)

    assert cases.ask(attachments_of, review_id=review.id) == []


def test_a_file_that_was_changed_where_it_lies_is_not_given_out(cases: Cases, operator: Person) -> None:
    review = cases.hold()
    attached = put(cases, review, operator)
    [(stored_as,)] = cases.sql(
        "SELECT stored_as FROM policy_review_attachment WHERE id = %s", [ids.to_uuid(attached.id, prefix="rvf")]
    )
    with default_storage.open(stored_as, "wb") as stored:
        stored.write(b"%PDF-1.7 another")

    with pytest.raises(AttachmentDamaged):
        cases.ask(read_attachment, review_id=review.id, attachment_id=attached.id)


def test_a_closed_case_takes_nothing_more(cases: Cases, operator: Person, operator2: Person) -> None:
    review = cases.hold()
    [alert] = cases.ask(alerts_of, review_id=review.id)
    cases.do(decline_review, review_id=review.id, actor=operator.actor(), reason_code="limit_policy", note="")
    words: dict[str, Any] = {"review_id": review.id, "actor": operator.actor()}

    for attempt in (
        lambda: cases.do(add_note, **words, text="x"),
        lambda: put(cases, review, operator),
        lambda: cases.do(assign_review, **words, owner=operator2.id),
        lambda: cases.do(hand_over, **words, to=operator2.id, note="x"),
        lambda: cases.do(escalate_review, **words, note="x"),
        lambda: cases.do(snooze_review, **words, until=clock.now() + timedelta(1), reason="x"),
        lambda: cases.do(resolve_alert, alert_id=alert.id, state="cleared", note="x", actor=operator.actor()),
    ):
        with pytest.raises(ReviewAlreadyDecided):
            attempt()


def test_an_alert_is_resolved_once_and_its_app_is_told_in_the_same_transaction(
    cases: Cases, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    def resolver(*, reference: str, state: str, note: str, actor: Any, now: Any) -> None:
        if note == "refuse":
            raise ValueError
        told.append((reference, state))

    monkeypatch.setitem(registry._resolvers, "system", resolver)
    review = cases.open(alert=NewAlert("system", "check.failed", reference=f"ref_{secrets.token_hex(4)}"))
    [alert] = cases.ask(alerts_of, review_id=review.id)
    words: dict[str, Any] = {"alert_id": alert.id, "state": "cleared", "actor": operator.actor()}
    found = cases.ask(find_alert, kind="system", reference=alert.reference)
    assert found == alert

    with pytest.raises(ValueError):  # noqa: PT011  # the resolver's own
        cases.do(resolve_alert, **words, note="refuse")
    assert cases.ask(alerts_of, review_id=review.id) == [alert]
    results = at_once([lambda: cases.do(resolve_alert, **words, note="seen")] * 8, threads=8)

    assert {type(each) for each in results if isinstance(each, Exception)} == {AlertAlreadyResolved}
    assert told == [(alert.reference, "cleared")]
    assert cases.get(review).edited_by == operator.id
    assert cases.ask(find_alert, kind="system", reference=alert.reference) is None
    for unknown in (ids.new_id("rva"), "x"):
        with pytest.raises(NoSuchAlert):
            cases.do(resolve_alert, **(words | {"alert_id": unknown}), note="x")


def test_what_people_made_of_a_rule_s_cases_is_counted(cases: Cases, operator: Person) -> None:
    began = clock.now()
    name = f"rule.{secrets.token_hex(4)}"
    made = [cases.hold(alert=NewAlert("rule", name)) for _ in range(3)]
    cases.do(decline_review, review_id=made[0].id, actor=operator.actor(), reason_code="limit_policy", note="")

    [counted] = cases.ask(review_statistics, since=began, until=clock.now(), rule=name)

    assert (counted.raised, counted.decided, counted.confirmed, counted.precision_percent) == (3, 1, 1, 100)


def test_views_are_one_s_own_and_the_same_name_replaces(cases: Cases, operator: Person, operator2: Person) -> None:
    words: dict[str, Any] = {"user_id": operator.id, "room": "reviews"}
    at_once([lambda q=q: cases.do(save_view, **words, name="mine", query=q) for q in ("a=1", "a=2")] * 3, threads=6)
    last = cases.do(save_view, **words, name=" mine ", query="queue=compliance")

    assert cases.ask(saved_views, **words) == [last]
    assert cases.ask(saved_views, user_id=operator2.id, room="reviews") == []
    for name in ("", "x" * 61, "a\nb"):
        with pytest.raises(InvalidView):
            cases.do(save_view, **words, name=name, query="")

    def remove(user_id: str) -> bool:
        return cases.ask(remove_view, user_id=user_id, view_id=last.id)

    assert [remove(operator2.id), remove(operator.id), remove(operator.id)] == [False, True, False]
