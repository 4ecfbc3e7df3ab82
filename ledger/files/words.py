"""From a row's values to what it says: a posting or an account in the caller's words, and their fingerprint.

CSV and JSONL come to the same document first, so that the same words have the same fingerprint in both.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ledger.files.columns import (
    ENTRY_COLUMNS,
    FX_COLUMNS,
    JSON_COLUMNS,
    MAX_TEXT,
    check_integer,
    check_keys,
    check_metadata,
    check_moment,
    check_reference,
    check_text,
    invalid,
    missing,
)
from ledger.files.errors import ImportPostingNotPosted, ImportRowTooLong
from ledger.files.types import MAX_POSTING_ENTRIES, AccountWords, PostingWords
from ledger.types import Direction, Fx, Line
from zentra.core import canonical
from zentra.core.money import check_amount_minor, check_currency

PURPOSE: Final = "import"
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,72}")
_RATE: Final = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_DIRECTIONS: Final[Mapping[str, Direction]] = {"debit": "debit", "credit": "credit"}


def posting_words(document: Mapping[str, Any]) -> PostingWords:
    """What a posting's document says; raises the refusal of the first value that is not of its form."""
    check_keys(document, JSON_COLUMNS["postings"])
    _check_state(document.get("state"))
    key = check_reference(document["external_id"], "external_id")
    lines = _lines(document["entries"])
    effective_at = _moment(document, "effective_at")
    description = check_text(document.get("description") or "", "description", most=MAX_TEXT)
    metadata = check_metadata(document.get("metadata") or {})
    purpose = _purpose(document.get("purpose"))
    reference = document.get("external_reference")
    reference = key if reference in (None, "") else check_reference(reference, "external_reference")
    currency = lines[0].currency or ""
    fx = _fx(document.get("fx"), lines)
    words = {
        "external_id": key,
        "effective_at": effective_at and effective_at.isoformat(),
        "description": description,
        "metadata": metadata,
        "purpose": purpose,
        "external_reference": reference,
        "entries": [[line.account, line.direction, line.amount_minor, line.currency] for line in lines],
        "fx": fx and [fx.base, fx.quote, fx.rate, fx.source, fx.quoted_at and fx.quoted_at.isoformat()],
    }
    return PostingWords(
        key=key,
        fingerprint=_fingerprint("postings", words),
        lines=lines,
        currency=currency,
        purpose=purpose,
        external_reference=reference,
        effective_at=effective_at,
        description=description,
        metadata=metadata,
        fx=fx,
    )


def account_words(document: Mapping[str, Any]) -> AccountWords:
    """What an account's document says; only what it states is compared with an account that exists already."""
    check_keys(document, JSON_COLUMNS["accounts"])
    code = check_reference(document["code"], "code")
    currency = check_currency(check_text(document["currency"], "currency"))
    account_type = check_text(document["account_type"], "account_type", most=40)
    stated: dict[str, Any] = {}
    for name in ("customer", "external_id", "category"):
        if document.get(name) not in (None, ""):
            stated[name] = check_reference(document[name], name)
    if document.get("name"):
        stated["name"] = check_text(document["name"], "name")
    if document.get("sequencing"):
        stated["sequencing"] = _sequencing(document["sequencing"])
    for name in ("floor_minor", "ceiling_minor"):
        if name in document:
            stated[name] = None if document[name] is None else check_integer(document[name], name)
    if document.get("metadata") not in (None, {}):
        stated["metadata"] = check_metadata(document["metadata"])
    opening = document.get("opening_balance_minor")
    opening_minor = 0 if opening is None else check_integer(opening, "opening_balance_minor")
    opening_at = _moment(document, "opening_at", is_day_allowed=True)
    words = {
        "code": code,
        "currency": currency,
        "account_type": account_type,
        "stated": stated,
        "opening_balance_minor": opening_minor,
        "opening_at": opening_at and opening_at.isoformat(),
    }
    return AccountWords(
        key=f"{currency}:{code}",
        fingerprint=_fingerprint("accounts", words),
        code=code,
        currency=currency,
        account_type=account_type,
        stated=stated,
        opening_minor=opening_minor,
        opening_at=opening_at,
    )


def _fingerprint(kind: str, words: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(canonical.sha256_hex(canonical.dumps([f"ledger.import.{kind}", words])))


def _check_state(state: object) -> None:
    if state not in (None, "", "posted"):
        raise ImportPostingNotPosted(
            f"The posting is {str(state)[:20]!r}; only posted ones are imported, holds are not.", state=str(state)[:20]
        )


def _purpose(value: object) -> str:
    """``import``, or ``import.`` and the purpose that the row names: nobody takes it for a step of an intent."""
    if value in (None, "", PURPOSE):
        return PURPOSE
    text = check_text(value, "purpose").removeprefix(f"{PURPOSE}.")
    if not _PURPOSE.fullmatch(text):
        raise invalid("purpose", f"is {text[:40]!r}; it is 1 to 73 of a-z 0-9 _ . : - and starts with a letter")
    return f"{PURPOSE}.{text}"


def _sequencing(value: object) -> str:
    if value not in ("immediate", "deferred"):
        raise invalid("sequencing", f"is {str(value)[:20]!r}, neither immediate nor deferred")
    return str(value)


def _lines(entries: object) -> tuple[Line, ...]:
    if not isinstance(entries, list) or not entries:
        raise invalid("entries", "must be a list of entries")
    if len(entries) > MAX_POSTING_ENTRIES:
        raise ImportRowTooLong(
            f"The posting has {len(entries)} entries; the most in a file is {MAX_POSTING_ENTRIES}.",
            entries=len(entries),
            most_entries=MAX_POSTING_ENTRIES,
        )
    return tuple(_line(entry, f"entries[{place}].") for place, entry in enumerate(entries))


def _line(entry: object, of: str) -> Line:
    if not isinstance(entry, dict):
        raise invalid(of[:-1], "must be an object")
    check_keys(entry, ENTRY_COLUMNS, of=of)
    direction = _DIRECTIONS.get(check_text(entry["direction"], f"{of}direction"))
    if direction is None:
        raise invalid(f"{of}direction", f"is {entry['direction'][:20]!r}, neither debit nor credit")
    return Line(
        account=check_reference(entry["account"], f"{of}account"),
        direction=direction,
        amount_minor=check_amount_minor(check_integer(entry["amount_minor"], f"{of}amount_minor")),
        currency=check_currency(check_text(entry["currency"], f"{of}currency")),
    )


def _fx(value: object, lines: tuple[Line, ...]) -> Fx | None:
    """The rate; of a posting over two currencies, base and quote are the first and the other unless they are said."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("fx", "must be an object")
    check_keys(value, FX_COLUMNS, of="fx.")
    rate = check_text(value["rate"], "fx.rate")
    if not _RATE.fullmatch(rate):
        raise invalid("fx.rate", f"is {rate[:40]!r}; it is a decimal in plain digits, written as a text")
    currencies = list(dict.fromkeys(line.currency or "" for line in lines))
    if len(currencies) != 2 and not (value.get("base") and value.get("quote")):
        raise missing("fx.base")
    return Fx(
        base=check_currency(check_text(value.get("base") or currencies[0], "fx.base")),
        quote=check_currency(check_text(value.get("quote") or currencies[-1], "fx.quote")),
        rate=rate,
        source=check_reference(value["source"], "fx.source"),
        quoted_at=_moment(value, "quoted_at", of="fx."),
    )


def _moment(document: Mapping[str, Any], name: str, *, of: str = "", is_day_allowed: bool = False) -> datetime | None:
    value = document.get(name)
    return None if value in (None, "") else check_moment(value, of + name, is_day_allowed=is_day_allowed)
