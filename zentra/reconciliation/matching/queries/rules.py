"""The rules of an account."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final, Literal

from zentra.core import actors
from zentra.reconciliation.matching.errors import RuleSetNotFound
from zentra.reconciliation.matching.models import RuleSet
from zentra.reconciliation.matching.types import Rule, RuleSetRecord
from zentra.reconciliation.statements.queries import get_reconciled_account

_FIELDS: Final = {field.name: field.default for field in fields(Rule)}
_WINDOW: Final = {"bank": 3, "rail": 5}


def default_rules(*, kind: Literal["bank", "rail"]) -> tuple[Rule, ...]:
    """What an account starts with: references and amounts that agree. Differences are for people until somebody decides
    what may differ.
    """
    days = _WINDOW[kind]
    return (
        Rule(key="exact", kind="exact", within_days=days),
        Rule(key="fee", kind="fee", within_days=days),
        Rule(key="batch", kind="batch", within_days=days),
        Rule(key="split", kind="split", within_days=days),
        Rule(key="fx", kind="fx", within_days=days, tolerance_bp=100),
        Rule(key="tolerance", kind="tolerance", is_on=False, within_days=days, tolerance_minor=1),
    )


def get_rules(*, account_id: str, version: int | None = None) -> RuleSetRecord:
    """A version of the rules, the newest unless named; version 0 is what every account starts with.

    Raises RuleSetNotFound, AccountNotFound, BadId.
    """
    account = get_reconciled_account(account_id=account_id)
    rows = RuleSet.objects.filter(account_id=account_id)
    found = rows.order_by("-version").first() if version is None else rows.filter(version=version).first()
    if found is not None:
        return _record(found)
    if version:
        raise RuleSetNotFound(f"{account_id} has no rules of version {version}.", version=version)
    return RuleSetRecord(
        account_id, 0, default_rules(kind=account.kind), "", actors.RECONCILIATION.as_dict(), account.created_at
    )


def list_rule_sets(*, account_id: str) -> list[RuleSetRecord]:
    """Every version, newest first, down to version 0; raises AccountNotFound, BadId."""
    saved = [_record(row) for row in RuleSet.objects.filter(account_id=account_id).order_by("-version")]
    return [*saved, get_rules(account_id=account_id, version=0)]


def rules_as_json(*, rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The rules as they are stored and shown: key and kind, and what differs from a rule's defaults."""
    return [
        {name: value for name, value in asdict(rule).items() if name in ("key", "kind") or value != _FIELDS[name]}
        for rule in rules
    ]


def _record(row: RuleSet) -> RuleSetRecord:
    return RuleSetRecord(
        account_id=row.account_id,
        version=row.version,
        rules=read_rules(stored=row.rules),
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def read_rules(*, stored: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules of what ``rules_as_json`` made."""
    return tuple(_rule(each) for each in stored)


def _rule(stored: Mapping[str, Any]) -> Rule:
    return Rule(**{name: value for name, value in stored.items() if name in _FIELDS})
