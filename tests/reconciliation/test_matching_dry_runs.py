"""Rules are tried on history before anybody saves them, and two who save at once do not overwrite each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from zentra.core import actors, clock
from zentra.reconciliation.matching.types import Rule, RunRecord

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef

TABLES = (
    "recon_rule_set", "recon_match", "recon_match_item", "recon_exception", "recon_open_line", "recon_open_entry",
    "recon_entry", "recon_expected", "evidence_event",
)  # fmt: skip
EXACT = Rule(key="exact", kind="exact")
NEAR = Rule(key="near", kind="tolerance", within_days=3, tolerance_minor=5)


@pytest.fixture
def bank(workspace: TenantRef) -> MatchBook:
    from tests.reconciliation.matchbook import MatchBook

    made = MatchBook(workspace)
    made.state({"amount": 10, "reference": "A"}, {"amount": 20, "reference": "B"}, {"amount": 97, "reference": "C"})
    made.post({"amount": 10, "reference": "A"}, {"amount": 20, "reference": "B"}, {"amount": 100, "reference": "C"})
    made.rules(EXACT, after=0)
    made.run()
    return made


def try_out(bank: MatchBook, *rules: Rule) -> RunRecord:
    from zentra.reconciliation.matching import operations
    from zentra.reconciliation.matching.operations.runs import perform_run

    asked = bank.do(
        operations.request_run, account_id=bank.account, is_dry_run=True, rules=rules, actor=actors.RECONCILIATION,
        ws=bank.ws, now=clock.now(),
    )  # fmt: skip
    return bank.do(perform_run, run_id=asked.id, now=clock.now())


def counts(bank: MatchBook) -> dict[str, int]:
    """How many rows each table has, and what stands."""
    from django.db import connection

    from zentra.core.tenancy import tenant_work

    with tenant_work(bank.ws), connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
    return found


def test_unsaved_rules_are_tried_and_nothing_but_the_run_is_written(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import queries

    before = counts(bank)

    run = try_out(bank, EXACT, NEAR)

    assert (run.state, run.same, run.fresh, run.lost) == ("done", 2, 1, 0)
    by_rule = {count.rule: (count.matches, count.same, count.fresh, count.lost) for count in run.by_rule}
    assert by_rule == {"exact": (2, 2, 0, 0), "near": (1, 0, 1, 0)}
    assert (run.rules_version, run.rules) == (1, (EXACT, NEAR))
    assert counts(bank) == before
    assert bank.do(queries.get_rules, account_id=bank.account).version == 1


def test_what_would_be_lost_is_told_under_the_rule_that_made_it(bank: MatchBook) -> None:
    run = try_out(bank, NEAR)

    by_rule = {count.rule: (count.same, count.fresh, count.lost) for count in run.by_rule}
    assert (run.same, run.fresh, run.lost) == (2, 1, 0)  # the same pairs, by another rule
    assert by_rule == {"near": (2, 1, 0)}
    run = try_out(bank, Rule(key="split", kind="split"))
    assert [(count.rule, count.matches, count.lost) for count in run.by_rule] == [("exact", 0, 2)]


def test_rules_that_are_wrong_or_not_of_a_dry_run_are_refused(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import operations
    from zentra.reconciliation.matching.errors import RuleSetInvalid

    with pytest.raises(RuleSetInvalid):
        try_out(bank, Rule(key="x", kind="tolerance"))
    with pytest.raises(RuleSetInvalid):
        bank.do(
            operations.request_run, account_id=bank.account, is_dry_run=False, rules=[EXACT],
            actor=actors.RECONCILIATION, ws=bank.ws, now=clock.now(),
        )  # fmt: skip


def test_of_two_who_save_at_once_one_is_told(bank: MatchBook) -> None:
    from zentra.reconciliation.matching import queries
    from zentra.reconciliation.matching.errors import StaleRuleSet

    def save(key: str) -> bool:
        try:
            bank.rules(Rule(key=key, kind="exact"), after=1)
        except StaleRuleSet:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(save, ["a", "b", "c", "d"]))

    assert sum(saved) == 1
    newest = bank.do(queries.get_rules, account_id=bank.account)
    assert (newest.version, newest.rules[0].key) == (2, "abcd"[saved.index(True)])
