"""Reads of rule sets and drafts, and what differs between two sets."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import connection

from policy.rules.documents import check_document
from policy.rules.first_format import as_second_format
from policy.rules.nodes import Listed, RuleSetSpec, preorder
from policy.rules.reading import pointer_of
from policy.rulesets.errors import DraftNotFound, NoSuchRuleSet
from policy.rulesets.types import ChangedRule, DraftRecord, RuleSetDiff, RuleSetRecord
from zentra.core import ids

__all__ = [
    "as_second_format",
    "diff",
    "get_draft",
    "known_lists",
    "list_drafts",
    "list_rule_sets",
    "live_rule_set",
    "live_spec",
    "live_version",
    "rule_set_document",
]
_SETS: Final = "version, rules, published_at, published_by, draft_id, editors, note, digest, restores"
_DRAFTS: Final = ", ".join(field.name for field in fields(DraftRecord))


def live_rule_set() -> tuple[int, dict[str, Any], datetime, str]:
    """The live rules: version, document, when and by whom they were published."""
    live = _sets("true", [], 1)[0]
    return live.version, live.document, live.published_at, live.published_by


def live_version() -> int:
    """The number of the live rule set; 0 when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(version), 0) FROM policy_rule_set")
        return int(cursor.fetchone()[0])


def live_spec() -> RuleSetSpec:
    """The live rules, read: ``limits`` have name, measure, by, window, what they count, and how much."""
    return check_document(live_rule_set()[1])


def known_lists() -> frozenset[str]:
    """The lists that rules may name: those of the workspace, and those that the live rules name already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM policy_list WHERE removed_at IS NULL")
        names = {name for (name,) in cursor.fetchall()}
    trees = (node for rule in live_spec().rules for node in preorder(rule.when))
    return frozenset(names | {node.list for node in trees if isinstance(node, Listed)})


def rule_set_document(*, version: int) -> RuleSetRecord:
    """One version as it was published, whatever format it is in; raises NoSuchRuleSet."""
    found = _sets("version = %s", [version], 1)
    if not found:
        raise NoSuchRuleSet(f"There is no rule set {version}.")
    return found[0]


def list_rule_sets(*, before: int | None = None, limit: int = 50) -> list[RuleSetRecord]:
    """Versions, newest first; ``before`` is the last of the page before."""
    return _sets("%s::bigint IS NULL OR version < %s", [before, before], limit)


def get_draft(*, draft_id: str) -> DraftRecord:
    """One draft; raises DraftNotFound."""
    try:
        found = _drafts("id = %s::uuid", [ids.to_uuid(draft_id, prefix="rsd")], 1)
    except ids.BadId:
        found = []
    if not found:
        raise DraftNotFound(f"There is no draft {draft_id[:40]!r}.")
    return found[0]


def list_drafts(
    *, state: str | None = None, before: tuple[datetime, str] | None = None, limit: int = 50
) -> list[DraftRecord]:
    """Drafts, the last edited first; ``before`` is the (edited_at, id) of the last of the page before.

    ``state`` "open" is those that may still be published.
    """
    states = ["draft", "validated"] if state == "open" else [state] if state else None
    moment, draft_id = before or (None, None)
    return _drafts(
        "(%s::text[] IS NULL OR state = ANY(%s::text[]))"
        " AND (%s::timestamptz IS NULL OR (edited_at, id) < (%s, %s::uuid))",
        [states, states, moment, moment, ids.to_uuid(draft_id, prefix="rsd") if draft_id else None],
        limit,
    )


def diff(*, left: Any, right: Any) -> RuleSetDiff:
    """What differs between two documents, rule by rule, by their names; of either format."""
    old, new = as_second_format(left), as_second_format(right)
    before, after = _by_name(old), _by_name(new)
    kept = [name for name in after if name in before]
    return RuleSetDiff(
        added=tuple(item for name, (item, _) in after.items() if name not in before),
        removed=tuple(item for name, (item, _) in before.items() if name not in after),
        changed=tuple(
            ChangedRule(name, after[name][1], pointers, before[name][0], after[name][0])
            for name in kept
            if (pointers := tuple(_differences(before[name], after[name], ())))
        ),
        settings=tuple(_differences(old.get("settings", {}), new.get("settings", {}), ("settings",))),
        is_reordered=kept != [name for name in before if name in after],
    )


def _by_name(document: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], bool]]:
    """Every rule and limit by its name, and whether it is a limit."""
    return {
        str(item.get("name")): (item, place == "limits")
        for place in ("rules", "limits")
        for item in document.get(place, [])
        if isinstance(item, dict)
    }


def _differences(before: Any, after: Any, place: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(before, tuple):
        # A rule and a limit may change places under one name: then all of it differs.
        before, after = before[0], after[0] if before[1] == after[1] else None
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences(before.get(key), after.get(key), (*place, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, (*place, index))
    elif before != after or type(before) is not type(after):
        yield pointer_of(place)


def _sets(condition: str, values: list[Any], limit: int) -> list[RuleSetRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_SETS} FROM policy_rule_set WHERE {condition} ORDER BY version DESC LIMIT %s",  # noqa: S608  # ours
            [*values, limit],
        )
        rows = cursor.fetchall()
    return [
        RuleSetRecord(
            version, _json(document), at, by, ids.to_public("rsd", draft) if draft else None, tuple(editors), note,
            digest, restores,
        )
        for version, document, at, by, draft, editors, note, digest, restores in rows
    ]  # fmt: skip


def _drafts(condition: str, values: list[Any], limit: int) -> list[DraftRecord]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_DRAFTS} FROM policy_rule_draft WHERE {condition} ORDER BY edited_at DESC, id DESC LIMIT %s",  # noqa: S608  # ours
            [*values, limit],
        )
        rows = cursor.fetchall()
    return [_draft(row) for row in rows]


def _draft(row: tuple[Any, ...]) -> DraftRecord:
    draft_id, name, document, based_on, restores, state, made_by, editors, *rest = row
    return DraftRecord(
        ids.to_public("rsd", draft_id), name, _json(document), based_on, restores, state, made_by, tuple(editors), *rest
    )


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
