"""Runs: one pass of an account's rules over what is open."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from evidence.operations import record_events
from evidence.types import NewEvent
from zentra.core.actors import RECONCILIATION, Actor
from zentra.core.ids import new_id, to_uuid
from zentra.core.queue import enqueue
from zentra.core.tenancy import TenantRef, current_tenant
from zentra.reconciliation.matching.engine.bounds import bound_rules
from zentra.reconciliation.matching.engine.exchanging import find_exchanged
from zentra.reconciliation.matching.engine.grouping import find_groups
from zentra.reconciliation.matching.engine.pairing import find_pairs
from zentra.reconciliation.matching.engine.working import Opened, copy_open
from zentra.reconciliation.matching.engine.writing import compare_with_standing, count_by_rule, keep_matches
from zentra.reconciliation.matching.errors import RuleSetInvalid, RunNotFound
from zentra.reconciliation.matching.locks import Locked, lock_account, read_account
from zentra.reconciliation.matching.models import Run
from zentra.reconciliation.matching.operations.entries import take_entries
from zentra.reconciliation.matching.operations.exceptions import refresh_exceptions
from zentra.reconciliation.matching.operations.expected import note_arrivals
from zentra.reconciliation.matching.operations.rules import check_rules
from zentra.reconciliation.matching.queries.rules import get_rules, rules_as_json
from zentra.reconciliation.matching.queries.runs import get_run
from zentra.reconciliation.matching.types import RUN, Rule, RuleCount, RuleKind, RuleSetRecord, RunRecord
from zentra.tenants.configuration.queries import read_settings

_FINDERS: Final[dict[RuleKind, Callable[..., int]]] = {
    "exact": find_pairs, "fee": find_pairs, "tolerance": find_pairs, "fx": find_exchanged, "batch": find_groups,
    "split": find_groups,
}  # fmt: skip


@transaction.atomic
def request_run(
    *,
    account_id: str,
    is_dry_run: bool,
    actor: Actor,
    ws: TenantRef,
    now: datetime,
    rules_version: int | None = None,
    rules: Sequence[Rule] | None = None,
) -> RunRecord:
    """Queue a run; a real one always goes by the newest rules that are saved.

    A dry run may try ``rules`` that nobody has saved: they are kept with the run and nowhere else. Raises
    RuleSetInvalid, RuleSetNotFound, AccountNotFound, BadId.
    """
    if rules is not None:
        check_rules(rules=rules)
        if not is_dry_run:
            raise RuleSetInvalid("Rules are saved before they confirm anything; only a dry run tries others.")
    known = get_rules(account_id=account_id, version=rules_version if is_dry_run else None)
    run = _begin(account_id, known.version, is_dry_run, actor, now, "queued", rules)
    enqueue(workspace_id=ws.id, kind=RUN, ref=run, due_at=now)
    return get_run(run_id=run)


@transaction.atomic
def run_matching(
    *, account_id: str, is_dry_run: bool, actor: Actor, now: datetime, rules_version: int | None = None
) -> RunRecord:
    """Take over entries, run the rules, open and resolve exceptions, in one transaction.

    At most ``entries.MOST`` versions of the ledger are taken over here: who may be further behind calls
    ``taking.take_all`` first. A dry run changes nothing, goes over everything of thirteen months that no person
    matched, and holds up nobody: it does not take the account. Raises RunInProgress when somebody else holds the
    account, AccountNotFound, RuleSetNotFound, BadId.
    """
    account = _account(account_id, is_dry_run)
    rules = get_rules(account_id=account_id, version=rules_version if is_dry_run else None)
    run = _begin(account_id, rules.version, is_dry_run, actor, now, "running")
    return _run(account, rules, run, is_dry_run, actor, now)


@transaction.atomic
def perform_run(*, run_id: str, now: datetime) -> RunRecord:
    """Do a run that was queued; one that was done already is left. Raises RunInProgress, RunNotFound, BadId."""
    queued = get_run(run_id=run_id)
    account = _account(queued.account_id, queued.is_dry_run)
    if Run.objects.filter(id=run_id, state="queued").update(state="running") != 1:
        return get_run(run_id=run_id)
    rules = get_rules(account_id=account.id, version=queued.rules_version if queued.is_dry_run else None)
    if queued.rules is not None:
        rules = replace(rules, rules=queued.rules)
    return _run(account, rules, run_id, queued.is_dry_run, RECONCILIATION, now)


def _account(account_id: str, is_dry_run: bool) -> Locked:
    return read_account(account_id=account_id) if is_dry_run else lock_account(account_id=account_id, waits=False)


def fail_run(*, run_id: str, problem: str, now: datetime) -> None:
    """Say why a queued run will not be done; raises RunNotFound, BadId."""
    if (
        Run.objects.filter(id=run_id)
        .exclude(state="done")
        .update(state="failed", problem=problem[:500], finished_at=now)
        != 1
    ):
        raise RunNotFound(f"There is no run {run_id} to fail.", run_id=run_id)


def _begin(
    account_id: str, version: int, is_dry_run: bool, actor: Actor, now: datetime, state: str,
    rules: Sequence[Rule] | None = None,
) -> str:  # fmt: skip
    run = Run.objects.create(
        id=new_id("mrn"), account_id=account_id, rules_version=version, is_dry_run=is_dry_run, state=state,
        started_by=actor.as_dict(), created_at=now, rules=None if rules is None else rules_as_json(rules=rules),
    )  # fmt: skip
    return str(run.id)


def _run(account: Locked, rules: RuleSetRecord, run: str, is_dry_run: bool, actor: Actor, now: datetime) -> RunRecord:
    if not is_dry_run:
        take_entries(account_id=account.id, now=now)  # the caller took all before; this is what came meanwhile
    return _match(account, rules, run, is_dry_run, actor, now)


def _match(account: Locked, rules: RuleSetRecord, run: str, is_dry_run: bool, actor: Actor, now: datetime) -> RunRecord:
    limit = read_settings(workspace_id=current_tenant().id).match_approval_minor
    bounded = bound_rules(rules=rules.rules, limit=limit)
    opened = copy_open(account=account, rules=bounded, today=now.date(), over_history=is_dry_run)
    apply_rules(account=account, rules=bounded, limit=limit)
    counts = count_by_rule()
    figures: dict[str, Any] = {}
    if is_dry_run:
        counts = compare_with_standing(counts=counts)
        figures = {name: sum(getattr(count, name) for count in counts) for name in ("same", "fresh", "lost")}
    else:
        key = to_uuid(run, prefix="mrn")
        keep_matches(account=account.key, run=key, version=rules.version, actor=RECONCILIATION, now=now)
        note_arrivals(account=account, now=now)
        refresh_exceptions(account=account, rules=bounded, run_id=run, now=now)
        _record(account, rules, run, opened, counts, actor, now)
    _finish(run, rules, opened, counts, figures, now)
    return get_run(run_id=run)


def apply_rules(*, account: Locked, rules: Sequence[Rule], limit: int) -> int:
    """Let each rule that is on find its matches in the working tables, in their order; how many in all.

    None confirms a difference above ``limit``.
    """
    values = {"account": account.key, "limit": limit, "is_rail": account.kind == "rail"}
    found = 0
    for rule in rules:
        if rule.is_on:
            found += _FINDERS[rule.kind](rule=rule, values=values)
    return found


def _finish(
    run: str, rules: RuleSetRecord, opened: Opened, counts: Sequence[RuleCount], figures: dict[str, Any], now: datetime
) -> None:
    Run.objects.filter(id=run).update(
        state="done",
        rules_version=rules.version,
        lines=opened.lines,
        entries=opened.entries,
        matches=sum(count.matches for count in counts),
        by_rule={count.rule: {k: v for k, v in asdict(count).items() if k != "rule"} for count in counts},
        finished_at=now,
        **figures,
    )


def _record(
    account: Locked, rules: RuleSetRecord, run: str, opened: Opened, counts: Sequence[RuleCount], actor: Actor,
    now: datetime,
) -> None:  # fmt: skip
    """Only what did something is worth a leaf: runs follow each import and each stretch of the ledger."""
    if not counts:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM recon_w_line), (SELECT count(*) FROM recon_w_entry)")
        lines_left, entries_left = cursor.fetchone()
    data: dict[str, object] = {
        "run_id": run,
        "account_id": account.id,
        "rules_version": rules.version,
        "lines": opened.lines,
        "entries": opened.entries,
        "matches": sum(count.matches for count in counts),
        "by_rule": {count.rule: count.matches for count in counts},
        "lines_left": lines_left,
        "entries_left": entries_left,
    }
    record_events(events=[NewEvent(type="reconciliation.run.completed", actor=actor, data=data)], now=now)
