"""The history of each account, step by step: versions without a gap, and the balance after each entry.

Histories are read in the order of (account, version), a bounded number of positions at a time, however many of them
are one account's. Each position is held against the one before it and the entry itself; by induction all of them are
then the running sum of their entries. The sums of an account are carried from one stretch to the next and held
against its balance at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from uuid import UUID

from ledger.integrity.rows import DELTA, PENDING_CREDITS, PENDING_DEBITS, figure, public, read, read_first
from ledger.integrity.types import Divergence, Figure, Notebook

POSITIONS_AT_ONCE: Final = 50_000
_LOWEST: Final = UUID(int=0)

# The last position of the stretch before is read again, so that the first of this one has something to stand on.
_STRETCH: Final = f"""
WITH stretch AS MATERIALIZED (
  SELECT n.account_id, n.version, n.entry_id, n.balance_after_minor, n.pending_debits_after, n.pending_credits_after
    FROM ledger_entry_position n
   WHERE (n.account_id, n.version) >= (%(account)s, %(version)s)
   ORDER BY n.account_id, n.version LIMIT %(limit)s
), entry AS (
  SELECT s.*, e.direction, p.state, e.amount_minor, {DELTA} AS delta, {PENDING_DEBITS} AS debits,
         {PENDING_CREDITS} AS credits
    FROM stretch s
    LEFT JOIN ledger_entry e ON e.id = s.entry_id
    LEFT JOIN ledger_posting p ON p.id = e.posting_id
), step AS (
  SELECT n.*, n.version <> coalesce(lag(n.version) OVER history, 0) + 1 AS has_gap,
         (n.balance_after_minor, n.pending_debits_after, n.pending_credits_after) IS DISTINCT FROM
           (coalesce(lag(n.balance_after_minor) OVER history, 0) + n.delta,
            coalesce(lag(n.pending_debits_after) OVER history, 0) + n.debits,
            coalesce(lag(n.pending_credits_after) OVER history, 0) + n.credits) AS is_off
    FROM entry n WINDOW history AS (PARTITION BY n.account_id ORDER BY n.version)
)
SELECT s.account_id, a.code, count(*) AS entries, max(s.version) AS version,
       min(s.version) FILTER (WHERE s.has_gap) AS gap_at, min(s.version) FILTER (WHERE s.is_off) AS off_at,
       coalesce(sum(s.amount_minor) FILTER (WHERE s.state = 'posted' AND s.direction = 'debit'), 0) AS posted_debits,
       coalesce(sum(s.amount_minor) FILTER (WHERE s.state = 'posted' AND s.direction = 'credit'), 0) AS posted_credits,
       coalesce(sum(s.debits), 0) AS pending_debits, coalesce(sum(s.credits), 0) AS pending_credits,
       b.version AS found_entries, b.posted_debits AS found_posted_debits, b.posted_credits AS found_posted_credits,
       b.pending_debits AS found_pending_debits, b.pending_credits AS found_pending_credits
  FROM step s
  LEFT JOIN ledger_account a ON a.id = s.account_id
  LEFT JOIN ledger_balance b ON b.account_id = s.account_id
 WHERE (s.account_id, s.version) <> (%(account)s, %(version)s)
 GROUP BY s.account_id, a.code, b.account_id
 ORDER BY s.account_id
"""  # noqa: S608  # constants
_STEP: Final = f"""
SELECT n.entry_id, e.posting_id, coalesce(b.version, 0) + 1 AS version,
       coalesce(b.balance_after_minor, 0) + {DELTA} AS balance_after_minor,
       coalesce(b.pending_debits_after, 0) + {PENDING_DEBITS} AS pending_debits_after,
       coalesce(b.pending_credits_after, 0) + {PENDING_CREDITS} AS pending_credits_after,
       n.version AS found_version, n.balance_after_minor AS found_balance_after_minor,
       n.pending_debits_after AS found_pending_debits_after, n.pending_credits_after AS found_pending_credits_after
  FROM ledger_entry_position n
  LEFT JOIN ledger_entry e ON e.id = n.entry_id
  LEFT JOIN ledger_posting p ON p.id = e.posting_id
  LEFT JOIN LATERAL (SELECT * FROM ledger_entry_position o
                      WHERE o.account_id = n.account_id AND o.version < n.version ORDER BY o.version DESC LIMIT 1) b
    ON true
 WHERE n.account_id = %s AND n.version = %s
"""  # noqa: S608  # constants
# Accounts without a history hold nothing, and every account has its balance.
_WITHOUT_HISTORY: Final = """
SELECT coalesce(a.id, b.account_id) AS account_id, a.code, b.account_id IS NULL AS is_missing,
       b.version AS found_entries, b.posted_debits AS found_posted_debits, b.posted_credits AS found_posted_credits,
       b.pending_debits AS found_pending_debits, b.pending_credits AS found_pending_credits,
       count(*) OVER () AS total
  FROM ledger_account a FULL JOIN ledger_balance b ON b.account_id = a.id
 WHERE NOT EXISTS (SELECT FROM ledger_entry_position n WHERE n.account_id = coalesce(a.id, b.account_id))
   AND (a.id IS NULL OR b.account_id IS NULL
        OR (b.version, b.posted_debits, b.posted_credits, b.pending_debits, b.pending_credits) <> (0, 0, 0, 0, 0))
 ORDER BY 1 LIMIT %(named)s
"""


@dataclass(frozen=True, slots=True)
class _Sums:
    """What an account's history adds up to, as far as it was read."""

    entries: int = 0
    posted_debits: int = 0
    posted_credits: int = 0
    pending_debits: int = 0
    pending_credits: int = 0

    def plus(self, other: "_Sums") -> "_Sums":
        return _Sums(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class _Account:
    """An account whose history may go on in the next stretch."""

    row: dict[str, Any]
    sums: _Sums
    has_gap: bool = False
    is_off: bool = False


def inspect_histories(notebook: Notebook) -> Iterator[int]:
    """Go through all histories; yields how many positions were looked at after each stretch."""
    open_account: _Account | None = None
    account, version, done = _LOWEST, 0, 0
    while True:
        place = {"account": account, "version": version, "limit": POSITIONS_AT_ONCE}
        rows = list(read(_STRETCH, place))
        if not rows:
            break
        for row in rows:
            if open_account is not None and open_account.row["account_id"] != row["account_id"]:
                _compare(open_account, notebook)
                open_account = None
            open_account = _take(open_account or _Account(row, _Sums()), row, notebook)
            done += row["entries"]
        account, version = rows[-1]["account_id"], rows[-1]["version"]
        yield done
    if open_account is not None:
        _compare(open_account, notebook)
    _check_without_history(notebook)


def _take(account: _Account, row: dict[str, Any], notebook: Notebook) -> _Account:
    """Add a stretch of an account; its first gap and its first wrong balance are named, what follows from it is not."""
    if row["gap_at"] is not None and not account.has_gap:
        notebook.note("history_gap", _step(row, row["gap_at"], notebook, "history_gap"))
    if row["off_at"] is not None and not account.is_off:
        notebook.note("history_balance", _step(row, row["off_at"], notebook, "history_balance"))
    return replace(
        account,
        sums=account.sums.plus(_Sums(*(int(row[each.name]) for each in fields(_Sums)))),
        has_gap=account.has_gap or row["gap_at"] is not None,
        is_off=account.is_off or row["off_at"] is not None,
    )


def _step(row: dict[str, Any], version: int, notebook: Notebook, check: str) -> Divergence | None:
    """What should stand at a version and what does, from the position before it."""
    if not notebook.has_room(check):
        return None
    step = next(read(_STEP, [row["account_id"], version]))
    names = ("version", "balance_after_minor", "pending_debits_after", "pending_credits_after")
    expected, found = ({name: figure(step[prefix + name]) for name in names} for prefix in ("", "found_"))
    code = row["code"] or public("acct", row["account_id"])
    if check == "history_gap":
        sentence = f"Account {code}: version {expected['version']} should follow, and {version} does."
    elif step["posting_id"] is None:
        sentence = f"Account {code}, version {version}: there is no such entry."
    else:
        wrong = next((name for name in names[1:] if expected[name] != found[name]), names[1])
        sentence = (
            f"Account {code}, version {version}: {wrong.replace('_', ' ').removesuffix(' minor')} should be"
            f" {expected[wrong]} and is {found[wrong]}."
        )
    return Divergence(sentence, {**_subject(row), "version": version, **_entry(step)}, expected, found)


def _entry(step: dict[str, Any]) -> dict[str, Figure]:
    return {"entry_id": public("entry", step["entry_id"]), "posting_id": public("posting", step["posting_id"])}


def _compare(account: _Account, notebook: Notebook) -> None:
    """The balance of an account against the sum of its whole history."""
    names = [each.name for each in fields(_Sums)]
    expected = {name: figure(getattr(account.sums, name)) for name in names}
    found = {name: figure(account.row[f"found_{name}"]) for name in names}
    if expected != found:
        notebook.note("balance", _wrong_balance(account.row, expected, found))


def _wrong_balance(row: dict[str, Any], expected: dict[str, Figure], found: dict[str, Figure]) -> Divergence:
    code = row["code"] or public("acct", row["account_id"])
    wrong = next(name for name in expected if expected[name] != found[name])
    sentence = (
        f"Account {code}: the {wrong.replace('_', ' ')} of its history are {expected[wrong]},"
        f" its balance says {'nothing' if found[wrong] is None else found[wrong]}."
    )
    return Divergence(sentence, _subject(row), expected, found)


def _check_without_history(notebook: Notebook) -> None:
    names = [each.name for each in fields(_Sums)]
    for row in read_first(_WITHOUT_HISTORY):
        expected: dict[str, Figure] = dict.fromkeys(names, 0)
        found = {name: figure(row[f"found_{name}"]) for name in names}
        divergence = _wrong_balance(row, expected, found) if expected != found else _ownerless(row)
        notebook.note("balance", divergence, count=row["counts"])


def _ownerless(row: dict[str, Any]) -> Divergence:
    sentence = f"There is a balance of {public('acct', row['account_id'])}, and no such account."
    return Divergence(sentence, _subject(row), {"accounts": 1}, {"accounts": 0})


def _subject(row: dict[str, Any]) -> dict[str, Figure]:
    return {"account_id": public("acct", row["account_id"]), "account": row["code"]}
