"""Rules are written by one person and published by another; versions never change, and an earlier one can come back."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import IntegrityError

from policy.lists.errors import ListInUse
from policy.lists.operations import create_list, remove_list
from policy.rules.defaults import DEFAULT_RULES
from policy.rules.documents import InvalidRuleSet
from policy.rulesets import operations, queries
from policy.rulesets.errors import (
    DraftEnded,
    DraftNotFound,
    DraftNotValidated,
    DraftOutdated,
    MakerCannotPublish,
    NoSuchRuleSet,
    NothingChanged,
    StaleDraft,
)
from policy.rulesets.types import DraftRecord, RuleSetRecord
from tests.ledger.book import at_once
from tests.people import Person
from tests.policy.desk import Desk
from tests.policy.rules_room import Room, document, over, rule, with_single_limit
from zentra.core import ids
from zentra.core.tenancy import TenantRef


@pytest.fixture
def room(workspace: TenantRef) -> Room:
    return Room(workspace)


def test_a_draft_begins_as_a_copy_of_the_live_rules(room: Room, admin: Person) -> None:
    draft = room.draft(admin)

    assert draft.document == DEFAULT_RULES
    assert (draft.state, draft.based_on, draft.version, draft.editors) == ("draft", 1, 1, (admin.id,))
    [told] = room.events("policy.drafted")
    assert (told["draft_id"], told["rules"], told["limits"]) == (draft.id, 9, 2)


def test_rules_are_published_by_somebody_who_wrote_none_of_them(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.validated(admin, with_single_limit(1_000))

    with pytest.raises(MakerCannotPublish):
        room.do(operations.publish_draft, draft_id=draft.id, actor=admin.actor())
    assert room.ask(queries.live_version) == 1
    published = room.do(operations.publish_draft, draft_id=draft.id, actor=compliance.actor(), note=" lower ")

    assert (published.version, published.published_by, published.editors) == (2, compliance.id, (admin.id,))
    assert (published.note, published.draft_id, published.digest) == (
        "lower", draft.id, operations.digest_of(document=with_single_limit(1_000)),
    )  # fmt: skip
    assert room.draft_now(draft).state == "published"
    assert room.decide(1_001).outcome == "review"
    [told] = room.events("policy.published")
    assert (told["version"], told["draft_id"], told["restores"]) == (2, draft.id, None)


def test_whoever_edited_it_cannot_publish_it_either(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.draft(admin)
    edited = room.do(
        operations.edit_draft, draft_id=draft.id, document=with_single_limit(5), version=1, actor=compliance.actor()
    )
    room.do(operations.validate_draft, draft_id=draft.id, actor=admin.actor())

    assert set(edited.editors) == {admin.id, compliance.id}
    for person in (admin, compliance):
        with pytest.raises(MakerCannotPublish):
            room.do(operations.publish_draft, draft_id=draft.id, actor=person.actor())


def test_the_database_holds_it_too(room: Room, admin: Person) -> None:
    with pytest.raises(IntegrityError, match="rule_set_maker_is_not_checker"):
        Desk(room.ws).sql(
            "INSERT INTO policy_rule_set (version, rules, published_at, published_by, editors)"
            " VALUES (2, '{}', now(), %s, %s)",
            [admin.id, [admin.id]],
        )


def test_what_is_wrong_is_said_with_its_place_and_the_draft_stays_one(room: Room, admin: Person) -> None:
    draft = room.draft(admin, document(rule("a.b", {"op": "all", "of": [over(1), {"op": "eq", "field": "colour"}]})))

    with pytest.raises(InvalidRuleSet) as refused:
        room.do(operations.validate_draft, draft_id=draft.id, actor=admin.actor())

    assert [(each["pointer"], each["code"]) for each in refused.value.extra["errors"]] == [
        ("/rules/0/when/of/1", "required"),
        ("/rules/0/when/of/1/field", "unknown_field"),
    ]
    assert room.draft_now(draft) == draft


def test_a_list_that_is_not_there_is_an_error_of_the_draft(room: Room, admin: Person) -> None:
    asks = {"op": "in_list", "field": "counterparty", "list": "nowhere"}
    draft = room.draft(admin, document(rule("a.b", asks)))

    with pytest.raises(InvalidRuleSet, match="nowhere"):
        room.do(operations.validate_draft, draft_id=draft.id, actor=admin.actor())


@pytest.mark.parametrize("written", [{"rules": [1.5]}, ["rules"], {"rules": "\x00"}, {"é": 1}, {"n": 2**53}])
def test_what_has_no_canonical_form_is_not_even_kept(written: object, room: Room, admin: Person) -> None:
    with pytest.raises(InvalidRuleSet):
        room.do(operations.create_draft, name="x", document=written, actor=admin.actor())

    assert room.ask(queries.list_drafts) == []


def test_what_changes_nothing_is_not_published(room: Room, admin: Person) -> None:
    with pytest.raises(NothingChanged):
        room.do(operations.validate_draft, draft_id=room.draft(admin).id, actor=admin.actor())


def test_an_edit_after_the_check_needs_another_check(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.validated(admin, with_single_limit(7))
    room.do(
        operations.edit_draft, draft_id=draft.id, document=with_single_limit(8), version=draft.version,
        actor=admin.actor(),
    )  # fmt: skip

    with pytest.raises(DraftNotValidated):
        room.do(operations.publish_draft, draft_id=draft.id, actor=compliance.actor())
    assert room.ask(queries.live_version) == 1


def test_of_two_who_edit_the_second_is_told_who_was_first(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.draft(admin)
    room.do(operations.edit_draft, draft_id=draft.id, document=document(), version=1, actor=compliance.actor())

    with pytest.raises(StaleDraft) as refused:
        room.do(operations.edit_draft, draft_id=draft.id, document={"a": 1}, version=1, actor=admin.actor())

    assert (refused.value.extra["edited_by"], refused.value.extra["version"]) == (compliance.id, 2)
    assert room.draft_now(draft).document == document()


def test_of_editors_who_race_one_wins(room: Room, admin: Person) -> None:
    draft = room.draft(admin)

    results = at_once([lambda n=n: room.do(operations.edit_draft, draft_id=draft.id, document=with_single_limit(n),  # type: ignore[misc]  # bound at once
                                           version=1, actor=admin.actor()) for n in range(8)], threads=8)  # fmt: skip

    [won] = [result for result in results if isinstance(result, DraftRecord)]
    assert sum(isinstance(result, StaleDraft) for result in results) == 7
    assert room.draft_now(draft) == won


def test_of_publications_that_race_one_wins_and_the_others_are_outdated(
    room: Room, admin: Person, compliance: Person
) -> None:
    drafts = [room.validated(admin, with_single_limit(n)) for n in range(4)]

    results = at_once([lambda d=d: room.do(operations.publish_draft, draft_id=d.id, actor=compliance.actor())  # type: ignore[misc]  # bound at once
                       for d in drafts], threads=4)  # fmt: skip

    [published] = [result for result in results if isinstance(result, RuleSetRecord)]
    assert sum(isinstance(result, DraftOutdated) for result in results) == 3
    assert published.version == room.ask(queries.live_version) == 2
    assert len(room.events("policy.published")) == 1
    assert [room.draft_now(draft).state for draft in drafts].count("published") == 1


def test_a_list_goes_or_rules_that_ask_it_come_never_both(room: Room, admin: Person, compliance: Person) -> None:
    asks = {"op": "in_list", "field": "counterparty", "list": "bad.banks"}

    def publish(draft: DraftRecord) -> object:
        return room.do(operations.publish_draft, draft_id=draft.id, actor=compliance.actor(), note="seen")

    for number in range(5):
        room.do(create_list, name="bad.banks", kind="deny", value_type="text", actor=admin.actor())
        draft = room.validated(admin, document(rule(f"deny.banks_{number}", asks, action="decline")))

        take_away = partial(room.do, remove_list, list_id="bad.banks", actor=admin.actor())
        refused = [each for each in at_once([partial(publish, draft), take_away], threads=2) if each is not None]

        assert [type(each) for each in refused] in ([RuleSetRecord, ListInUse], [ListInUse, RuleSetRecord]) or (
            len(refused) == 1 and isinstance(refused[0], InvalidRuleSet)
        )
        if isinstance(refused[0], InvalidRuleSet):
            continue
        room.publish(document(rule(f"amount.{number}", over(5))), maker=admin, checker=compliance)
        room.do(remove_list, list_id="bad.banks", actor=admin.actor())


def test_a_draft_published_twice_at_once_is_published_once(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.validated(admin, with_single_limit(3))

    results = at_once(
        [lambda: room.do(operations.publish_draft, draft_id=draft.id, actor=compliance.actor())] * 4, threads=4
    )

    assert sum(isinstance(result, RuleSetRecord) for result in results) == 1
    assert all(isinstance(result, RuleSetRecord | DraftEnded | DraftOutdated) for result in results)


def test_a_draft_on_older_rules_is_brought_up_to_the_live_ones_first(
    room: Room, admin: Person, compliance: Person
) -> None:
    late = room.validated(admin, with_single_limit(1))
    room.publish(with_single_limit(2), maker=admin, checker=compliance)

    with pytest.raises(DraftOutdated) as refused:
        room.do(operations.publish_draft, draft_id=late.id, actor=compliance.actor())
    assert (refused.value.extra["based_on"], refused.value.extra["live"]) == (1, 2)
    room.do(
        operations.edit_draft, draft_id=late.id, document=late.document, version=late.version, based_on=2,
        actor=admin.actor(),
    )  # fmt: skip
    room.do(operations.validate_draft, draft_id=late.id, actor=admin.actor())

    assert room.do(operations.publish_draft, draft_id=late.id, actor=compliance.actor()).version == 3


def test_an_ended_draft_is_changed_no_more(room: Room, admin: Person, compliance: Person) -> None:
    draft = room.validated(admin, with_single_limit(4))
    gone = room.do(operations.discard_draft, draft_id=draft.id, actor=compliance.actor())

    assert (gone.state, gone.ended_by) == ("discarded", compliance.id)
    assert len(room.events("policy.discarded")) == 1
    for operation, words in (
        (operations.edit_draft, {"document": {}, "version": gone.version}),
        (operations.validate_draft, {}),
        (operations.publish_draft, {}),
        (operations.discard_draft, {}),
    ):
        with pytest.raises(DraftEnded):
            room.do(operation, draft_id=draft.id, actor=compliance.actor(), **words)
    assert room.draft_now(draft) == gone


def test_an_earlier_version_comes_back_as_a_new_one_by_two_people(
    room: Room, admin: Person, compliance: Person
) -> None:
    room.publish(with_single_limit(2), maker=admin, checker=compliance)
    back = room.do(operations.roll_back, to_version=1, actor=admin.actor())

    assert (back.state, back.restores, back.document) == ("validated", 1, DEFAULT_RULES)
    with pytest.raises(MakerCannotPublish):
        room.do(operations.publish_draft, draft_id=back.id, actor=admin.actor())
    restored = room.do(operations.publish_draft, draft_id=back.id, actor=compliance.actor())

    assert (restored.version, restored.restores, restored.document) == (3, 1, DEFAULT_RULES)
    assert room.events("policy.published")[-1]["restores"] == 1


def test_what_is_live_needs_no_way_back(room: Room, admin: Person) -> None:
    with pytest.raises(NothingChanged):
        room.do(operations.roll_back, to_version=1, actor=admin.actor())
    with pytest.raises(NoSuchRuleSet):
        room.do(operations.roll_back, to_version=9, actor=admin.actor())

    assert room.ask(queries.list_drafts) == []


def test_what_is_not_there_is_not_found(room: Room, admin: Person) -> None:
    for draft_id in ("rsd_nothing", ids.new_id("rsd"), ""):
        with pytest.raises(DraftNotFound):
            room.ask(queries.get_draft, draft_id=draft_id)
    with pytest.raises(NoSuchRuleSet):
        room.ask(queries.rule_set_document, version=2)


def test_drafts_are_listed_the_last_edited_first_page_by_page(room: Room, admin: Person) -> None:
    drafts = [room.draft(admin) for _ in range(3)]
    room.do(operations.discard_draft, draft_id=drafts[1].id, actor=admin.actor())

    first = room.ask(queries.list_drafts, limit=2)
    rest = room.ask(queries.list_drafts, before=(first[-1].edited_at, first[-1].id), limit=2)

    assert [draft.id for draft in [*first, *rest]] == [draft.id for draft in reversed(drafts)]
    assert {draft.id for draft in room.ask(queries.list_drafts, state="open")} == {drafts[0].id, drafts[2].id}


def test_a_difference_names_rules_and_the_places_inside_them() -> None:
    before = document(rule("a.a", over(1)), rule("b.b", over(2)), rule("c.c", over(3)))
    after = document(rule("a.a", over(1)), rule("b.b", over(5), score=7), rule("d.d", over(4)), on_missing="decline")

    found = queries.diff(left=before, right=after)

    assert [item["name"] for item in found.added] == ["d.d"]
    assert [item["name"] for item in found.removed] == ["c.c"]
    [changed] = found.changed
    assert (changed.name, changed.pointers) == ("b.b", ("/when/value", "/score"))
    assert found.settings == ("/settings/on_missing",)
    assert queries.diff(left=before, right=before).is_empty
    assert queries.diff(left=document(*before["rules"][:2]), right=document(*before["rules"][1::-1])).is_reordered
