"""Postings and their entries, a bounded number at a time: whole, balanced, hashed, and each entry in its place."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection

from ledger.hashing import entry_hash
from ledger.integrity.rows import DELTA, PENDING_CREDITS, PENDING_DEBITS, figure, public, read, read_first
from ledger.integrity.types import Divergence, Figure, Notebook
from ledger.queries.postings import StoredPosting, read_postings
from zentra.core.errors import DomainError

POSTINGS_AT_ONCE: Final = 2_000
_LOWEST: Final = UUID(int=0)

_NEXT: Final = "SELECT id FROM ledger_posting WHERE id > %s ORDER BY id LIMIT %s"
_COUNT: Final = "SELECT count(*) AS entries FROM ledger_entry WHERE posting_id = ANY (%s::uuid[])"
_INCOMPLETE: Final = """
SELECT p.id, p.entry_count, count(e.id) AS entries, coalesce(max(e.position), 0) AS last,
       count(e.id) FILTER (WHERE (e.effective_at, e.recorded_at) <> (p.effective_at, p.recorded_at)) AS of_other_times
  FROM ledger_posting p LEFT JOIN ledger_entry e ON e.posting_id = p.id
 WHERE p.id = ANY (%s::uuid[])
 GROUP BY p.id
HAVING count(e.id) <> p.entry_count OR count(e.id) < 2 OR max(e.position) <> count(e.id)
    OR bool_or((e.effective_at, e.recorded_at) <> (p.effective_at, p.recorded_at))
 ORDER BY p.id
"""
_UNBALANCED: Final = """
SELECT e.posting_id, e.currency, coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'debit'), 0) AS debits,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'credit'), 0) AS credits
  FROM ledger_entry e
 WHERE e.posting_id = ANY (%s::uuid[])
 GROUP BY e.posting_id, e.currency
HAVING sum(CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE -e.amount_minor END) <> 0
 ORDER BY e.posting_id, e.currency
"""
_MISPLACED: Final = f"""
SELECT * FROM (
  SELECT e.id, e.posting_id, e.position, e.account_id, e.currency, a.code, a.currency AS account_currency,
         n.account_id AS history_of, n.version, u.entry_id IS NOT NULL AS waits,
         {DELTA} AS delta, {PENDING_DEBITS} AS pending_debits, {PENDING_CREDITS} AS pending_credits,
         coalesce(n.delta_minor, u.delta_minor) AS found_delta,
         coalesce(u.pending_debits, {PENDING_DEBITS}) AS found_pending_debits,
         coalesce(u.pending_credits, {PENDING_CREDITS}) AS found_pending_credits
    FROM ledger_entry e
    JOIN ledger_posting p ON p.id = e.posting_id
    LEFT JOIN ledger_account a ON a.id = e.account_id
    LEFT JOIN ledger_entry_position n ON n.entry_id = e.id
    LEFT JOIN ledger_entry_unsequenced u ON u.account_id = e.account_id AND u.entry_id = e.id
   WHERE e.posting_id = ANY (%s::uuid[])
) e
 WHERE e.account_currency IS DISTINCT FROM e.currency
    OR (e.version IS NOT NULL) = e.waits OR e.history_of <> e.account_id
    OR (e.found_delta, e.found_pending_debits, e.found_pending_credits)
         <> (e.delta, e.pending_debits, e.pending_credits)
 ORDER BY e.posting_id, e.position
"""  # noqa: S608  # constants
# What points to nothing: one anti-join each, counted, with the first rows.
_ORPHANS: Final = """
SELECT e.id, e.posting_id, count(*) OVER () AS total FROM ledger_entry e
 WHERE NOT EXISTS (SELECT FROM ledger_posting p WHERE p.id = e.posting_id) ORDER BY e.id LIMIT %(named)s
"""
_WAITING_FOR_NOTHING: Final = """
SELECT u.entry_id, u.account_id, u.delta_minor, count(*) OVER () AS total FROM ledger_entry_unsequenced u
 WHERE NOT EXISTS (SELECT FROM ledger_entry e WHERE e.id = u.entry_id AND e.account_id = u.account_id)
 ORDER BY u.account_id, u.entry_id LIMIT %(named)s
"""


def inspect_postings(notebook: Notebook) -> Iterator[tuple[int, int]]:
    """Go through all postings in the order of their ids; yields (postings, entries) done after each stretch."""
    last, postings, entries = _LOWEST, 0, 0
    while keys := _keys_after(last):
        _check_shape(keys, notebook)
        _check_hashes(keys, notebook)
        _check_places(keys, notebook)
        last, postings = keys[-1], postings + len(keys)
        entries += next(read(_COUNT, [keys]))["entries"]
        yield postings, entries


def _keys_after(last: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [last, POSTINGS_AT_ONCE])
        return [key for (key,) in cursor.fetchall()]


def _check_shape(keys: Sequence[UUID], notebook: Notebook) -> None:
    for row in read(_INCOMPLETE, [keys]):
        name = public("posting", row["id"])
        notebook.note(
            "posting_complete",
            Divergence(
                f"Posting {name} declares {row['entry_count']} entries and has {row['entries']},"
                f" {row['of_other_times']} of them of other times.",
                {"posting_id": name},
                {"entries": row["entry_count"], "last_position": row["entry_count"], "of_other_times": 0},
                {"entries": row["entries"], "last_position": row["last"], "of_other_times": row["of_other_times"]},
            ),
        )
    for row in read(_UNBALANCED, [keys]):
        name = public("posting", row["posting_id"])
        notebook.note(
            "posting_balanced",
            Divergence(
                f"Posting {name} has debits of {row['debits']} and credits of {row['credits']} in {row['currency']}.",
                {"posting_id": name, "currency": row["currency"]},
                {"difference_minor": 0},
                {"difference_minor": figure(row["credits"] - row["debits"])},
            ),
        )


def _check_hashes(keys: Sequence[UUID], notebook: Notebook) -> None:
    try:
        for stored in read_postings(posting_ids=keys):
            _check_hash(stored, notebook)
    except (DomainError, LookupError, TypeError, ValueError):
        # A stored word that no posting can have: it is found one by one.
        for key in keys:
            _check_alone(key, notebook)


def _check_alone(key: UUID, notebook: Notebook) -> None:
    try:
        for stored in read_postings(posting_ids=[key]):
            _check_hash(stored, notebook)
    except (DomainError, LookupError, TypeError, ValueError) as error:
        name = public("posting", key)
        sentence = f"Posting {name} cannot be read back, so that it has no hash: {error}."
        notebook.note("entry_hash", Divergence(sentence, {"posting_id": name}, {}, {}))


def _check_hash(stored: StoredPosting, notebook: Notebook) -> None:
    found = stored.posted.entry_hash
    expected = entry_hash(posting=stored.asked, facts=stored.facts)
    if found == expected:
        return
    name = stored.posted.posting_id
    sentence = f"Posting {name} has the entry hash {found[:12]}…, its rows have {expected[:12]}…."
    notebook.note(
        "entry_hash",
        Divergence(sentence, {"posting_id": name}, {"entry_hash": expected}, {"entry_hash": found}),
    )


def _check_places(keys: Sequence[UUID], notebook: Notebook) -> None:
    for row in read(_MISPLACED, [keys]):
        if row["account_currency"] != row["currency"]:
            notebook.note("entry_account", _wrong_account(row))
        expected, found = _effect(row, ""), _effect(row, "found_")
        is_once = (row["version"] is None) == row["waits"]
        if not is_once or row["history_of"] not in (None, row["account_id"]) or expected != found:
            notebook.note("entry_place", _wrong_place(row, is_once=is_once))


def _wrong_account(row: dict[str, Any]) -> Divergence:
    holds = row["account_currency"] or "nothing, as it does not exist"
    return Divergence(
        f"Entry {public('entry', row['id'])} is in {row['currency']}; its account holds {holds}.",
        _subject(row),
        {"currency": row["currency"]},
        {"currency": row["account_currency"]},
    )


def _wrong_place(row: dict[str, Any], *, is_once: bool) -> Divergence:
    name, places = public("entry", row["id"]), int(row["version"] is not None) + int(row["waits"])
    if not is_once:
        how = "nowhere in a history and does not wait" if places == 0 else "in a history and waits as well"
        return Divergence(f"Entry {name} stands {how}.", _subject(row), {"places": 1}, {"places": places})
    if row["history_of"] not in (None, row["account_id"]):
        other = public("acct", row["history_of"])
        sentence = f"Entry {name} stands in the history of another account, {other}."
        return Divergence(sentence, _subject(row), {"account_id": _subject(row)["account_id"]}, {"account_id": other})
    expected, found = _effect(row, ""), _effect(row, "found_")
    sentence = f"Entry {name} stands with {found['delta_minor']}; it is {expected['delta_minor']}."
    if expected["delta_minor"] == found["delta_minor"]:
        sentence = f"Entry {name} waits with another pending amount than its own."
    return Divergence(sentence, _subject(row), expected, found)


def _effect(row: dict[str, Any], prefix: str) -> dict[str, Figure]:
    """What the entry does to its account; nothing is found of one that stands nowhere."""
    return {
        "delta_minor": figure(row[f"{prefix}delta"]),
        "pending_debits": figure(row[f"{prefix}pending_debits"]),
        "pending_credits": figure(row[f"{prefix}pending_credits"]),
    }


def _subject(row: dict[str, Any]) -> dict[str, Figure]:
    return {
        "entry_id": public("entry", row["id"]),
        "posting_id": public("posting", row["posting_id"]),
        "account_id": public("acct", row["account_id"]),
        "account": row["code"],
        "version": row["version"],
    }


def inspect_orphans(notebook: Notebook) -> None:
    """Find entries of no posting, and what waits for its place without being an entry."""
    for row in read_first(_ORPHANS):
        entry, posting = public("entry", row["id"]), public("posting", row["posting_id"])
        sentence = f"Entry {entry} belongs to posting {posting}, which does not exist."
        subject: dict[str, Figure] = {"entry_id": entry, "posting_id": posting}
        divergence = Divergence(sentence, subject, {"postings": 1}, {"postings": 0})
        notebook.note("posting_complete", divergence, count=row["counts"])
    for row in read_first(_WAITING_FOR_NOTHING):
        entry, account = public("entry", row["entry_id"]), public("acct", row["account_id"])
        sentence = f"Entry {entry} waits for its place, and there is no such entry of that account."
        notebook.note(
            "entry_place",
            Divergence(
                sentence,
                {"entry_id": entry, "account_id": account},
                {"delta_minor": 0},
                {"delta_minor": figure(row["delta_minor"])},
            ),
            count=row["counts"],
        )
