"""The papers of a closeout packet: statements, matches, rules, exceptions and adjustments, as an auditor reads them.

Each is read by one statement, in a stable order; people are named by id.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from zentra.core import clock, ids
from zentra.core.canonical import MAX_INTEGER
from zentra.reconciliation.closeout.models import Period
from zentra.reconciliation.closeout.store import rows
from zentra.reconciliation.matching.queries import get_rules, rules_as_json

MOST: Final = 20_000
"""So many exceptions, adjustments and matches made by hand, at most, are in a packet; it says where it has not all."""

_SPAN: Final = "BETWEEN %(first)s AND %(last)s"
# The sums are of the lines, not of what the statement says of itself: opening + lines = closing is checked by others.
_STATEMENTS: Final = """
SELECT s.id AS stm, s.account_id AS rca, a.ledger_account_code, s.external_id, s.sequence, s.format, s.currency,
       s.starts_on, s.ends_on, s.opening_minor, s.closing_minor, t.credits, t.debits, s.lines, s.continuity,
       s.previous_id, s.break_minor, s.import_id, i.file_name, encode(i.sha256, 'hex'), i.created_by ->> 'id',
       i.created_at
  FROM recon_statement s
  JOIN recon_account a ON a.id = s.account_id
  LEFT JOIN recon_import i ON i.id = s.import_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0), 0) AS credits,
                            coalesce(-sum(l.amount_minor) FILTER (WHERE l.amount_minor < 0), 0) AS debits
                       FROM recon_line l WHERE l.statement_id = s.id) t
 WHERE s.is_complete
   AND ((s.ends_on >= %(first)s AND s.starts_on <= %(last)s) OR s.id = ANY (%(named)s::uuid[]))
 ORDER BY a.ledger_account_code, s.currency, s.starts_on, s.id
"""
_STATEMENT_NAMES: Final = (
    "statement_id", "account_id", "account", "external_id", "sequence", "format", "currency", "starts_on", "ends_on",
    "opening_minor", "closing_minor", "credits_minor", "debits_minor", "lines", "continuity", "previous_id",
    "break_minor", "import_id", "file_name", "file_sha256", "imported_by", "imported_at",
)  # fmt: skip
# Matches of the period's lines or entries that a person made.
_BY_HAND: Final = f"""
SELECT m.id, m.account_id, m.state, m.how, m.lines, m.entries, m.line_minor, m.entry_minor, m.fee_minor,
       m.entry_minor - m.line_minor - m.fee_minor, m.currency, m.reason, m.made_by ->> 'id', m.made_at,
       m.decided_by ->> 'id', m.decided_at
  FROM recon_match m
 WHERE m.how <> 'rule' AND m.state IN ('proposed', 'confirmed')
   AND EXISTS (SELECT FROM recon_match_item i
                 LEFT JOIN recon_line l ON l.id = i.line_id
                 LEFT JOIN recon_entry e ON e.entry_id = i.entry_id
                WHERE i.match_id = m.id AND i.stands AND (l.booked_on {_SPAN} OR e.effective_on {_SPAN}))
 ORDER BY m.made_at, m.id LIMIT %(most)s
"""  # noqa: S608  # constants
_BY_HAND_NAMES: Final = (
    "match_id", "account_id", "state", "how", "lines", "entries", "line_minor", "entry_minor", "fee_minor",
    "difference_minor", "currency", "reason", "made_by", "made_at", "decided_by", "decided_at",
)  # fmt: skip
_RULES: Final = f"""
SELECT m.account_id, m.rules_version, count(*)
  FROM recon_match m
 WHERE m.how = 'rule' AND m.state = 'confirmed'
   AND EXISTS (SELECT FROM recon_match_item i
                 LEFT JOIN recon_line l ON l.id = i.line_id
                 LEFT JOIN recon_entry e ON e.entry_id = i.entry_id
                WHERE i.match_id = m.id AND i.stands AND (l.booked_on {_SPAN} OR e.effective_on {_SPAN}))
 GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  # constants
_OF_THE_PERIOD: Final = """
x.happened_on <= %(last)s AND (x.happened_on >= %(first)s OR x.state <> 'resolved' OR x.resolved_at >= %(start)s)
"""
_EXCEPTIONS: Final = f"""
SELECT x.id, x.account_id, x.kind, x.state, x.amount_minor, x.difference_minor, x.currency, x.happened_on, x.opened_at,
       x.line_id, x.entry_id, x.expected_id, x.statement_id, x.intent_id, x.owner_id, x.resolution, x.reason_code,
       x.reason, x.match_id, x.explained_by ->> 'id', x.resolved_by ->> 'id', x.resolved_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('by', n.made_by ->> 'id', 'at', n.made_at, 'text', n.text,
                                                     'file_name', n.file_name, 'sha256', encode(n.sha256, 'hex'))
                                  ORDER BY n.made_at, n.id), '[]')
          FROM recon_exception_note n WHERE n.exception_id = x.id),
       (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', d.provider, 'claim', d.claim, 'state', d.state,
                                                     'by', d.made_by ->> 'id', 'answered_by', d.answered_by ->> 'id')
                                  ORDER BY d.made_at, d.id), '[]')
          FROM recon_dispute d WHERE d.exception_id = x.id)
  FROM recon_exception x
 WHERE {_OF_THE_PERIOD}
 ORDER BY x.happened_on, x.id LIMIT %(most)s
"""  # noqa: S608  # constants
_EXCEPTION_NAMES: Final = (
    "exception_id", "account_id", "kind", "state", "amount_minor", "difference_minor", "currency", "happened_on",
    "opened_at", "line_id", "entry_id", "expected_id", "statement_id", "intent_id", "owner", "resolution",
    "reason_code", "reason", "match_id", "explained_by", "resolved_by", "resolved_at", "notes", "disputes",
)  # fmt: skip
_ADJUSTMENTS: Final = f"""
SELECT j.id, j.exception_id, j.kind, j.state, j.reason_code, j.reason, j.lines, j.amount_minor, j.currency,
       j.effective_on, j.posting_id, j.proposed_by ->> 'id', j.proposed_at, j.decided_by ->> 'id', j.decided_at,
       j.decision
  FROM recon_adjustment j JOIN recon_exception x ON x.id = j.exception_id
 WHERE j.effective_on {_SPAN} OR ({_OF_THE_PERIOD})
 ORDER BY j.proposed_at, j.id LIMIT %(most)s
"""  # noqa: S608  # constants
_ADJUSTMENT_NAMES: Final = (
    "adjustment_id", "exception_id", "kind", "state", "reason_code", "reason", "lines", "amount_minor", "currency",
    "effective_on", "posting_id", "proposed_by", "proposed_at", "decided_by", "decided_at", "decision",
)  # fmt: skip
_STORED: Final = ("lines", "notes", "disputes")
"""Columns that are JSON: a plain cursor hands out their text."""
_PREFIXES: Final = {
    "statement_id": "stm", "previous_id": "stm", "account_id": "rca", "import_id": "sti", "match_id": "mat",
    "exception_id": "exc", "adjustment_id": "adj", "line_id": "lin", "entry_id": "entry", "expected_id": "exd",
    "posting_id": "posting", "owner": "usr",
}  # fmt: skip


def list_statements(period: Period, *, named: set[str]) -> list[dict[str, Any]]:
    """The statements of a period, and those named besides, with the SHA-256 of the files that they came in."""
    keys = [ids.to_uuid(each, prefix="stm") for each in sorted(named)]
    return [shown(_STATEMENT_NAMES, row) for row in rows(_STATEMENTS, {**_span(period), "named": keys})]


def list_by_hand(period: Period) -> list[dict[str, Any]]:
    """The matches that people made or forced, with who let them stand."""
    return [shown(_BY_HAND_NAMES, row) for row in rows(_BY_HAND, _span(period))]


def list_rule_sets(period: Period) -> list[dict[str, Any]]:
    """Every version of the rules by which something of the period is matched, and how much is."""
    told = []
    for account, version, matches in rows(_RULES, _span(period)):
        found = get_rules(account_id=ids.to_public("rca", account), version=version)
        told.append(
            {
                "account_id": found.account_id,
                "version": found.version,
                "matches": int(matches),
                "rules": plain(rules_as_json(rules=found.rules)),
                "note": found.note,
                "by": found.created_by["id"],
                "at": clock.iso(found.created_at),
            }
        )
    return told


def list_exceptions(period: Period) -> list[dict[str, Any]]:
    """Exceptions of the period, and older ones that were open in it: how each was resolved, why, by whom and when."""
    return [shown(_EXCEPTION_NAMES, row) for row in rows(_EXCEPTIONS, _span(period))]


def list_adjustments(period: Period) -> list[dict[str, Any]]:
    """What was posted, or was to be, for those exceptions."""
    return [shown(_ADJUSTMENT_NAMES, row) for row in rows(_ADJUSTMENTS, _span(period))]


def shown(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """A row by its names, ids as everywhere else."""
    return {name: _cell(name, value) for name, value in zip(names, row, strict=True)}


def plain(value: Any) -> Any:
    """A stored JSON value as canonical JSON can say it: numbers with a fraction, and very large ones, as texts."""
    if isinstance(value, dict):
        return {str(key).encode("ascii", "backslashreplace").decode(): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float | Decimal) or (type(value) is int and abs(value) > MAX_INTEGER):
        return str(value)
    return value


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in _STORED:
        return plain(json.loads(value))
    if isinstance(value, UUID):
        return ids.to_public(_PREFIXES[name], value)
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        return clock.iso(value)
    return value.isoformat() if isinstance(value, date) else plain(value)


def _span(period: Period) -> dict[str, Any]:
    return {"first": period.starts_on, "last": period.ends_on, "start": period.starts_at, "most": MOST}
