"""What could be the other side of a line or an entry. Only ever shown; a person confirms.

Four things are compared and each is told: how alike the references are (Jaro-Winkler of their normalised forms, and
whether one holds the other), how near the amounts, how near the days, and whether the texts name each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection
from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from zentra.core.ids import to_public, to_uuid
from zentra.core.money import format_minor
from zentra.reconciliation.matching.queries.entries import get_entry
from zentra.reconciliation.matching.types import Part, Suggestion
from zentra.reconciliation.statements.queries import get_line

CANDIDATES: Final = 200
LEAST_SCORE: Final = 0.35
_WEIGHTS: Final = {"reference": 0.45, "amount": 0.35, "date": 0.15, "counterparty": 0.05}
_DAYS: Final = 30
_SHORT: Final = 5
"""A reference this short is in too many others to say anything by being in one."""

_ENTRIES: Final = """
SELECT c.id, c.amount, c.amount, c.currency, c.day, c.reference, c.batch, c.words FROM (
  SELECT e.entry_id AS id, e.amount_minor AS amount, e.currency, e.effective_on AS day, e.reference, e.batch,
         coalesce(e.intent_id, '') AS words
    FROM recon_open_entry o JOIN recon_entry e ON e.entry_id = o.entry_id
   WHERE o.account_id = %(account)s AND e.currency = %(currency)s) c
"""
_LINES: Final = """
SELECT c.id, c.amount, c.cmp, c.currency, c.day, c.reference, c.batch, c.words FROM (
  SELECT l.id, l.amount_minor AS amount, coalesce(l.gross_minor, l.amount_minor) AS cmp, l.currency,
         l.value_on AS day, l.reference, l.batch, l.counterparty || ' ' || l.description AS words
    FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
   WHERE o.account_id = %(account)s AND l.currency = %(currency)s) c
"""
# The nearest amounts within the month, and whatever shares a reference or a batch.
_NEAREST: Final = """
 WHERE (sign(c.amount) = sign(%(amount)s::bigint) AND c.day BETWEEN %(day)s::date - 30 AND %(day)s::date + 30)
    OR (%(reference)s <> '' AND %(reference)s IN (c.reference, c.batch))
    OR (%(batch)s <> '' AND %(batch)s IN (c.reference, c.batch))
 ORDER BY (%(reference)s <> '' AND %(reference)s IN (c.reference, c.batch)) DESC, abs(c.amount - %(amount)s::bigint),
          abs(c.day - %(day)s::date), c.id
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class _Item:
    """A line or an entry as it is compared."""

    id: str
    amount: int
    cmp: int
    currency: str
    day: date
    reference: str
    batch: str
    words: str


def suggest(*, line_id: str | None = None, entry_id: str | None = None, limit: int = 5) -> list[Suggestion]:
    """The best open candidates for a line, or for an entry, best first: single ones, and groups of one reference.

    Raises LineNotFound, EntryNotFound, BadId, ValueError unless exactly one of the two is named.
    """
    if (line_id is None) == (entry_id is None):
        raise ValueError("name a line or an entry")
    subject, account = _subject_line(line_id) if line_id else _subject_entry(str(entry_id))
    found = _candidates(_ENTRIES if line_id else _LINES, "entry" if line_id else "lin", subject, account)
    groups = [[each] for each in found] + _groups(found, subject)
    made = [_suggestion(subject, group, is_line=line_id is not None) for group in groups]
    good = [each for each in made if each.score >= LEAST_SCORE]
    return sorted(good, key=lambda each: (-each.score, abs(each.difference_minor), each.line_ids, each.entry_ids))[
        :limit
    ]


def _subject_line(line_id: str) -> tuple[_Item, str]:
    line = get_line(line_id=line_id)
    item = _Item(
        line.id, line.amount_minor, line.gross_minor if line.gross_minor is not None else line.amount_minor,
        line.currency, line.value_on, line.reference, line.batch, f"{line.counterparty} {line.description}",
    )  # fmt: skip
    return item, line.account_id


def _subject_entry(entry_id: str) -> tuple[_Item, str]:
    entry = get_entry(entry_id=entry_id)
    item = _Item(
        entry.id, entry.amount_minor, entry.amount_minor, entry.currency, entry.effective_on, entry.reference,
        entry.batch, entry.intent_id or "",
    )  # fmt: skip
    return item, entry.account_id


def _candidates(statement: str, prefix: str, subject: _Item, account_id: str) -> list[_Item]:
    values: dict[str, Any] = {
        "account": to_uuid(account_id, prefix="rca"), "currency": subject.currency, "amount": subject.cmp,
        "day": subject.day, "reference": subject.reference, "batch": subject.batch, "limit": CANDIDATES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement + _NEAREST, values)
        return [_Item(to_public(prefix, row[0]), *row[1:]) for row in cursor.fetchall()]


def _groups(found: Sequence[_Item], subject: _Item) -> list[list[_Item]]:
    """Several of one reference or batch, which is the subject's or whose sum is the subject's amount."""
    by_key: dict[str, list[_Item]] = {}
    for item in found:
        for key in {item.reference, item.batch} - {""}:
            by_key.setdefault(key, []).append(item)
    return [
        group
        for key, group in sorted(by_key.items())
        if len(group) > 1 and (key in (subject.reference, subject.batch) or _total(group) == subject.cmp)
    ]


def _total(group: Iterable[_Item]) -> int:
    return sum(item.cmp for item in group)


def _suggestion(subject: _Item, group: Sequence[_Item], *, is_line: bool) -> Suggestion:
    parts = (_reference(subject, group), _amount(subject, group), _date(subject, group), _words(subject, group))
    ours, theirs = (subject.id,), tuple(item.id for item in group)
    lines, entries = (subject.cmp, _total(group)) if is_line else (_total(group), subject.cmp)
    return Suggestion(
        line_ids=ours if is_line else theirs,
        entry_ids=theirs if is_line else ours,
        score=round(sum(part.score * part.weight for part in parts), 3),
        parts=parts,
        difference_minor=entries - lines,
    )


def _reference(subject: _Item, group: Sequence[_Item]) -> Part:
    score, says = min((_alike(subject, item) for item in group), key=lambda found: found[0])
    return _part("reference", score, says)


def _alike(subject: _Item, item: _Item) -> tuple[float, str]:
    if not subject.reference or not item.reference:
        return 0.0, "no reference to compare"
    if subject.reference in (item.reference, item.batch) or item.reference == subject.batch:
        return 1.0, f"the same reference {item.reference}"
    short, long = sorted((subject.reference, item.reference), key=len)
    if len(short) >= _SHORT and short in long:
        return 0.9, f"{short} is in {long}"
    score = JaroWinkler.similarity(subject.reference, item.reference)
    return (score - 0.5) * 1.6 if score > 0.5 else 0.0, f"{subject.reference} and {item.reference}"  # below: chance


def _amount(subject: _Item, group: Sequence[_Item]) -> Part:
    total = _total(group)
    difference = abs(total - subject.cmp)
    if not difference:
        return _part("amount", 1.0, f"the same amount {format_minor(abs(total), subject.currency)}")
    score = max(0.0, 1 - 10 * difference / max(abs(subject.cmp), 1)) * 0.9
    return _part("amount", score, f"{format_minor(difference, subject.currency)} apart")


def _date(subject: _Item, group: Sequence[_Item]) -> Part:
    days = max(abs((item.day - subject.day).days) for item in group)
    says = "the same day" if not days else f"{days} day{'s' if days > 1 else ''} apart"
    return _part("date", max(0.0, 1 - days / _DAYS), says)


def _words(subject: _Item, group: Sequence[_Item]) -> Part:
    """Whether what one side says names the other."""
    best = 0.0
    for item in group:
        for said, sought in ((subject.words, item), (item.words, subject)):
            named = [name for name in (sought.reference, sought.words.strip()) if len(name) >= _SHORT]
            best = max(
                [best, *(fuzz.partial_ratio(name.upper(), said.upper()) / 100 for name in named if said.strip())]
            )
    score = max(0.0, (best - 0.6) * 2.5)
    return _part("counterparty", score, "the texts name each other" if score > 0.5 else "the texts say nothing")


def _part(name: Any, score: float, says: str) -> Part:
    return Part(name=name, score=round(min(1.0, max(0.0, score)), 3), weight=_WEIGHTS[name], says=says)
