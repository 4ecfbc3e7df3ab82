"""The audit sample in a packet: each drawn posting with entries, hashed bytes, and the lines matched with it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ledger.hashing import posting_content
from ledger.queries import get_posting
from zentra.core import clock, ids
from zentra.reconciliation.closeout.store import rows
from zentra.reconciliation.closeout.types import SampleItem

_MATCHED: Final = """
SELECT i.entry_id, m.id, m.account_id, m.how, m.rule, m.rules_version, m.line_minor, m.entry_minor, m.fee_minor,
       m.made_by ->> 'id', m.decided_by ->> 'id'
  FROM recon_match_item i JOIN recon_match m ON m.id = i.match_id
 WHERE i.entry_id = ANY (%s::uuid[]) AND i.stands AND m.state = 'confirmed'
 ORDER BY i.entry_id
"""
_LINES: Final = """
SELECT i.match_id, l.id, l.statement_id, l.number, l.booked_on, l.value_on, l.amount_minor,
       CASE WHEN a.kind = 'rail' THEN coalesce(l.gross_minor, l.amount_minor) ELSE l.amount_minor END,
       l.currency, l.reference
  FROM recon_match_item i
  JOIN recon_line l ON l.id = i.line_id
  JOIN recon_account a ON a.id = l.account_id
 WHERE i.match_id = ANY (%s::uuid[]) AND i.stands
 ORDER BY i.match_id, l.statement_id, l.number
"""


def list_sampled(items: Sequence[SampleItem]) -> list[dict[str, Any]]:
    """The drawn postings in their order."""
    found = [_item(each) for each in items]
    matched = _matched([entry["entry_id"] for each in found for entry in each["entries"]])
    for each in found:
        each["matched"] = [matched[entry["entry_id"]] for entry in each["entries"] if entry["entry_id"] in matched]
    return found


def statements_of(sampled: Sequence[Mapping[str, Any]]) -> set[str]:
    """The statements whose lines the sample is matched with."""
    return {line["statement_id"] for each in sampled for match in each["matched"] for line in match["lines"]}


def _item(each: SampleItem) -> dict[str, Any]:
    stored = get_posting(posting_id=each.posting_id)
    return {
        "place": each.place,
        "posting_id": each.posting_id,
        "digest": each.digest,
        "purpose": each.purpose,
        "intent_id": each.intent_id,
        "amount_minor": each.amount_minor,
        "currency": each.currency,
        "effective_at": clock.iso(each.effective_at),
        "entry_hash": each.entry_hash,
        "hashed_content": posting_content(posting=stored.asked, facts=stored.facts).decode(),
        "entries": [
            {
                "entry_id": entry.id,
                "account_id": entry.account_id,
                "account": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in stored.posted.entries
        ],
    }


def _matched(entry_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The confirmed match of each entry that has one, with all its lines."""
    matches = rows(_MATCHED, [[ids.to_uuid(each, prefix="entry") for each in entry_ids]])
    lines: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for match, key, statement, number, booked, value, amount, counts, currency, reference in rows(
        _LINES, [[row[1] for row in matches]]
    ):
        lines[match].append(
            {
                "line_id": ids.to_public("lin", key),
                "statement_id": ids.to_public("stm", statement),
                "number": number,
                "booked_on": booked.isoformat(),
                "value_on": value.isoformat(),
                "amount_minor": amount,
                "counts_minor": counts,
                "currency": currency,
                "reference": reference,
            }
        )
    return {
        ids.to_public("entry", entry): {
            "entry_id": ids.to_public("entry", entry),
            "match_id": ids.to_public("mat", match),
            "account_id": ids.to_public("rca", account),
            "how": how,
            "rule": rule,
            "rules_version": version,
            "line_minor": line_minor,
            "entry_minor": entry_minor,
            "fee_minor": fee_minor,
            "made_by": made_by,
            "decided_by": decided_by,
            "lines": lines[match],
        }
        for entry, match, account, how, rule, version, line_minor, entry_minor, fee_minor, made_by, decided_by in (
            matches
        )
    }
