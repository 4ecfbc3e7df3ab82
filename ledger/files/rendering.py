"""Postings and accounts as lines of a file: JSONL, CSV, and Beancount text."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ledger.files.columns import NO_LIMIT, shown
from ledger.files.types import ExportFormat
from ledger.queries.postings import StoredPosting
from ledger.types import AccountRecord, Balances, Fx

POSTING_COLUMNS: Final = (
    "external_id", "effective_at", "description", "account", "direction", "amount_minor", "currency", "state",
    "purpose", "external_reference", "metadata", "fx_rate", "fx_source", "fx_base", "fx_quote", "fx_quoted_at",
    "posting_id", "entry_id", "recorded_at", "intent_id", "reverses_id", "corrects_id", "hold_id", "entry_hash",
)  # fmt: skip
ACCOUNT_COLUMNS: Final = (
    "code", "name", "account_type", "currency", "customer", "external_id", "category", "sequencing", "floor_minor",
    "ceiling_minor", "metadata", "account_id", "type", "normal_balance", "state", "created_at", "posted_minor",
)  # fmt: skip
_NUMBERS: Final = frozenset({"amount_minor", "floor_minor", "ceiling_minor", "posted_minor"})
_LIMITS: Final = frozenset({"floor_minor", "ceiling_minor"})


def moment(value: datetime | None) -> str | None:
    """A moment to the microsecond, in UTC with Z."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def posting_document(stored: StoredPosting) -> dict[str, Any]:
    """A posting as one JSON object; its own id is its external id, so that importing it twice writes it once."""
    posted, asked, facts = stored.posted, stored.asked, stored.facts
    return {
        "external_id": posted.posting_id,
        "effective_at": moment(posted.effective_at),
        "description": asked.description,
        "entries": [
            {
                "entry_id": entry.id,
                "account": entry.account_code,
                "direction": entry.direction,
                "amount_minor": entry.amount_minor,
                "currency": entry.currency,
            }
            for entry in posted.entries
        ],
        "state": posted.state,
        "purpose": posted.purpose,
        "external_reference": facts.external_reference,
        "metadata": dict(asked.metadata),
        "fx": _fx(posted.fx),
        "posting_id": posted.posting_id,
        "recorded_at": moment(posted.recorded_at),
        "intent_id": posted.intent_id,
        "reverses_id": posted.reverses_id,
        "corrects_id": posted.corrects_id,
        "hold_id": posted.hold_id,
        "entry_hash": posted.entry_hash,
    }


def account_document(account: AccountRecord, balances: Balances, category: str | None) -> dict[str, Any]:
    """An account as one JSON object, with what it holds."""
    return {
        "code": account.code,
        "name": account.name,
        "account_type": account.account_type,
        "currency": account.currency,
        "customer": account.customer,
        "external_id": account.external_id,
        "category": category,
        "sequencing": account.sequencing,
        "floor_minor": account.floor_minor,
        "ceiling_minor": account.ceiling_minor,
        "metadata": account.metadata,
        "account_id": account.id,
        "type": account.type,
        "normal_balance": account.normal_balance,
        "state": account.state,
        "created_at": moment(account.created_at),
        "posted_minor": balances.posted_minor,
    }


def render(documents: Sequence[Mapping[str, Any]], *, form: ExportFormat, is_first: bool, kind: str) -> bytes:
    """The documents as lines of JSONL or CSV; the first ones of a CSV with its header."""
    if form == "jsonl":
        return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in documents).encode()
    columns = POSTING_COLUMNS if kind == "postings" else ACCOUNT_COLUMNS
    rows: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] = (
        _posting_rows if kind == "postings" else lambda document: [document]
    )
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    if is_first:
        writer.writerow(columns)
    for document in documents:
        for row in rows(document):
            writer.writerow([_cell(name, row.get(name)) for name in columns])
    return out.getvalue().encode()


def _posting_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    fx = {f"fx_{name}": value for name, value in (document["fx"] or {}).items()}
    return [{**document, **fx, **entry} for entry in document["entries"]]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return NO_LIMIT if name in _LIMITS else ""
    if name in _NUMBERS:
        return str(value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return shown(str(value))


def _fx(fx: Fx | None) -> dict[str, str | None] | None:
    if fx is None:
        return None
    return {
        "rate": fx.rate,
        "source": fx.source,
        "base": fx.base,
        "quote": fx.quote,
        "quoted_at": moment(fx.quoted_at),
    }
