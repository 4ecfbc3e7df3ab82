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
from zentra.reconciliation.matching.queries.entries import get_entries, get_entry
from zentra.reconciliation.matching.types import EntryRecord, Part, Suggestion
from zentra.reconciliation.statements.queries import get_line, get_lines
from zentra.reconciliation.statements.types import LineRecord

CANDIDATES: Final = 200
LEAST_SCORE: Final = 0.35
_WEIGHTS: Final = {"reference": 0.45, "amount": 0.35, "date": 0.15, "counterparty": 0.05}
_DAYS: Final = 30
_SHORT: Final = 5
"""A reference this short is in too many others to say anything by being in one."""

_ENTRIES: Final = """
SELECT e.entry_id AS id, e.amount_minor AS amount, e.amount_minor AS cmp, e.currency, e.effective_on AS day,
       e.reference, e.batch, coalesce(e.intent_id, '') AS words
  FROM recon_open_entry o JOIN recon_entry e ON e.entry_id = o.entry_id
 WHERE o.account_id = s.account AND e.currency = s.currency
"""
_LINES: Final = """
SELECT l.id, l.amount_minor AS amount, coalesce(l.gross_minor, l.amount_minor) AS cmp, l.currency, l.value_on AS day,
       l.reference, l.batch, l.counterparty || ' ' || l.description AS words
  FROM recon_open_line o JOIN recon_line l ON l.id = o.line_id
 WHERE o.account_id = s.account AND l.currency = s.currency
"""
# Of each subject the nearest amounts within the month, and whatever shares a reference or a batch.
_NEAREST: Final = """
SELECT s.place, n.id, n.amount, n.cmp, n.currency, n.day, n.reference, n.batch, n.words
  FROM unnest(%(accounts)s::uuid[], %(currencies)s::text[], %(amounts)s::bigint[], %(days)s::date[],
              %(references)s::text[], %(batches)s::text[])
       WITH ORDINALITY AS s (account, currency, amount, day, reference, batch, place)
 CROSS JOIN LATERAL (
  SELECT c.*, s.reference <> '' AND s.reference IN (c.reference, c.batch) AS is_named,
         abs(c.amount - s.amount) AS gap, abs(c.day - s.day) AS days
    FROM ({others}) c
   WHERE (sign(c.amount) = sign(s.amount) AND c.day BETWEEN s.day - 30 AND s.day + 30)
      OR (s.reference <> '' AND s.reference IN (c.reference, c.batch))
      OR (s.batch <> '' AND s.batch IN (c.reference, c.batch))
   ORDER BY is_named DESC, gap, days, c.id
   LIMIT %(limit)s) n
 ORDER BY s.place, n.is_named DESC, n.gap, n.days, n.id
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


_Subject = tuple[_Item, str]
"""What is compared, and the reconciled account that it is of."""


def suggest(*, line_id: str | None = None, entry_id: str | None = None, limit: int = 5) -> list[Suggestion]:
    """The best open candidates for a line, or for an entry, best first: single ones, and groups of one reference.

    Raises LineNotFound, EntryNotFound, BadId, ValueError unless exactly one of the two is named.
    """
    if (line_id is None) == (entry_id is None):
        raise ValueError("name a line or an entry")
    if line_id:
        return _best([_of_line(get_line(line_id=line_id))], is_line=True, limit=limit)[line_id]
    entry = get_entry(entry_id=str(entry_id))
    return _best([_of_entry(entry)], is_line=False, limit=limit)[entry.id]


def suggest_each(
    *, line_ids: Sequence[str] = (), entry_ids: Sequence[str] = (), limit: int = 1
) -> dict[str, list[Suggestion]]:
    """What ``suggest`` says of each of the lines and entries, by its id, in as many statements as for one.

    Those that are not there are left out. Raises BadId.
    """
    lines = [_of_line(each) for each in get_lines(line_ids=line_ids)] if line_ids else []
    entries = [_of_entry(each) for each in get_entries(entry_ids=entry_ids)]
    return {**_best(lines, is_line=True, limit=limit), **_best(entries, is_line=False, limit=limit)}


def _of_line(line: LineRecord) -> _Subject:
    item = _Item(
        line.id, line.amount_minor, line.gross_minor if line.gross_minor is not None else line.amount_minor,
        line.currency, line.value_on, line.reference, line.batch, f"{line.counterparty} {line.description}",
    )  # fmt: skip
    return item, line.account_id


def _of_entry(entry: EntryRecord) -> _Subject:
    item = _Item(
        entry.id, entry.amount_minor, entry.amount_minor, entry.currency, entry.effective_on, entry.reference,
        entry.batch, entry.intent_id or "",
    )  # fmt: skip
    return item, entry.account_id


def _best(subjects: Sequence[_Subject], *, is_line: bool, limit: int) -> dict[str, list[Suggestion]]:
    found = _candidates(subjects, _ENTRIES if is_line else _LINES, "entry" if is_line else "lin")
    return {
        subject.id: _ranked(subject, others, is_line=is_line)[:limit]
        for (subject, _), others in zip(subjects, found, strict=True)
    }


def _ranked(subject: _Item, others: list[_Item], *, is_line: bool) -> list[Suggestion]:
    groups = [[each] for each in others] + _groups(others, subject)
    made = [_suggestion(subject, group, is_line=is_line) for group in groups]
    good = [each for each in made if each.score >= LEAST_SCORE]
    return sorted(good, key=lambda each: (-each.score, abs(each.difference_minor), each.line_ids, each.entry_ids))


def _candidates(subjects: Sequence[_Subject], others: str, prefix: str) -> list[list[_Item]]:
    """Of each subject what it is compared with, nearest first."""
    found: list[list[_Item]] = [[] for _ in subjects]
    if not subjects:
        return found
    items = [item for item, _ in subjects]
    values: dict[str, Any] = {
        "accounts": [to_uuid(account, prefix="rca") for _, account in subjects],
        "currencies": [item.currency for item in items],
        "amounts": [item.cmp for item in items],
        "days": [item.day for item in items],
        "references": [item.reference for item in items],
        "batches": [item.batch for item in items],
        "limit": CANDIDATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST.replace("{others}", others), values)
        for place, key, *told in cursor.fetchall():
            found[place - 1].append(_Item(to_public(prefix, key), *told))
    return found


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
