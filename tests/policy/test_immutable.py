"""Rule sets and decisions are only ever added to, whoever asks and however."""

import pytest
from django.db import DatabaseError, IntegrityError

from tests.evidence.sealing import as_role
from tests.policy.desk import Desk

CHANGES = (
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DELETE FROM {table} WHERE false",
)


@pytest.mark.parametrize("role", ["ZENTRA_DATABASE_URL", "ZENTRA_OWNER_DATABASE_URL"])
@pytest.mark.parametrize(("table", "column"), [("policy_decision", "outcome"), ("policy_rule_set", "version")])
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_changed(change: str, table: str, column: str, role: str, desk: Desk) -> None:
    made = desk.decide(4_000_001)

    with as_role(role), pytest.raises(DatabaseError, match=r"permission denied|is refused"):
        desk.sql(change.format(table=table, column=column))

    assert desk.stored(made.intent_id).outcome == "review"


def test_a_new_rule_set_decides_what_comes_after_and_the_old_decisions_stand(desk: Desk) -> None:
    before = desk.decide(4_000_001)
    desk.sql(
        "INSERT INTO policy_rule_set (version, rules, published_at, published_by)"
        """ VALUES (2, '{"rules": []}', now(), 'usr_admin')"""
    )

    after = desk.decide(4_000_001)

    assert (before.rule_set, before.outcome) == (1, "review")
    assert (after.rule_set, after.outcome) == (2, "accepted")
    assert desk.stored(before.intent_id).rule_set == 1


def test_a_rule_set_s_number_is_used_once(desk: Desk) -> None:
    with pytest.raises(IntegrityError):
        desk.sql("INSERT INTO policy_rule_set SELECT * FROM policy_rule_set")


def test_a_review_without_an_owner_is_refused_by_the_database(desk: Desk) -> None:
    desk.hold(intent_id="intent_1")

    for owner in ("''", "NULL"):
        with pytest.raises(IntegrityError):
            desk.sql(f"UPDATE policy_review SET owner = {owner}")
