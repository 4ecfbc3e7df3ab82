"""What becomes of a statement whose last line was read: it counts from now on, or it is here already.

It counts with everything that hangs on it in one transaction: its place after the statement before it, its lines' way
onto matching's worklist, the event, and what a rail paid out.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from evidence.operations import record_events
from zentra.core import ids
from zentra.reconciliation.statements import events
from zentra.reconciliation.statements.checks import Figures, Link, link
from zentra.reconciliation.statements.errors import ImportMoved
from zentra.reconciliation.statements.formats.parsed import Ends, ParsedLine, Problem
from zentra.reconciliation.statements.models import Statement, StatementImport
from zentra.reconciliation.statements.reading import Chain, Reading
from zentra.reconciliation.statements.records import statement_record
from zentra.reconciliation.statements.settling import begin_settlement
from zentra.reconciliation.statements.types import ReconciledAccountRecord
from zentra.reconciliation.statements.writing import count_lines_seen_before, open_lines, write_lines

_NOT_POSTED: Final = {
    "awaiting_person": "settlement_awaits_person", "waiting": "settlement_not_posted", "conflict": "settlement_differs"
}  # fmt: skip


def write_some(row: StatementImport, reading: Reading, lines: Sequence[ParsedLine], now: datetime) -> None:
    if row.is_dry_run or not reading.is_written or reading.account is None:
        return
    if reading.statement_id is None:
        reading.statement_id = _create(row, reading, reading.account, now)
    if not lines:
        return
    write_lines(
        lines,
        account_id=ids.to_uuid(reading.account.id, prefix="rca"),
        statement_id=ids.to_uuid(reading.statement_id, prefix="stm"),
        first_number=reading.written + 1,
    )
    reading.written += len(lines)
    Statement.objects.filter(id=reading.statement_id).update(lines=reading.written)


def _create(row: StatementImport, reading: Reading, account: ReconciledAccountRecord, now: datetime) -> str:
    begins, tally = reading.begins, reading.tally
    day = begins.starts_on or tally.first_on or begins.ends_on or now.date()
    try:
        with transaction.atomic():
            made = Statement.objects.create(
                id=ids.new_id("stm"), account_id=account.id, import_id=row.id, format=begins.format,
                external_id=begins.external_id, sequence=begins.sequence, page=begins.page or 0,
                currency=account.currency, starts_on=day, ends_on=day, continuity="unknown", is_complete=False,
                is_collected=reading.is_collected, created_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ImportMoved(
            f"Another import is writing {begins.external_id[:60]} of {account.id}.", import_id=row.id
        ) from None
    return str(made.id)


def paged(ends: Ends, reading: Reading) -> Ends:
    """A page in the middle of a statement opens with what the page before closed with, and closes with its sum."""
    begins = reading.begins
    if begins.page is None or reading.account is None:
        return ends
    opening, closing = ends.opening_minor, ends.closing_minor
    if opening is None and begins.page > 1:
        name = begins.external_id.rpartition(" page ")[0]
        before = Statement.objects.filter(
            account_id=reading.account.id, external_id=f"{name} page {begins.page - 1}", is_complete=True
        ).first()
        opening = before.closing_minor if before is not None else None
    if closing is None and opening is not None:
        closing = opening + reading.tally.net_minor
    return Ends(
        ends.place, opening, closing, ends.told, ends.counted, ends.counted_all, ends.starts_on, ends.ends_on,
        ends.problems,
    )  # fmt: skip


def _figures(reading: Reading, ends: Ends, now: datetime) -> Figures:
    begins, tally = reading.begins, reading.tally
    first = begins.starts_on or ends.starts_on or tally.first_on or begins.ends_on or ends.ends_on or now.date()
    last = begins.ends_on or ends.ends_on or tally.last_on or first
    days = [day for day in (first, last, tally.first_on if begins.starts_on is None else None, tally.last_on
                            if begins.ends_on is None else None) if day is not None]  # fmt: skip
    return Figures(min(days), max(days), begins.sequence, ends.opening_minor, ends.closing_minor, begins.page or 0)


def complete_statement(
    row: StatementImport, reading: Reading, ends: Ends, lines: Sequence[ParsedLine], chain: Chain, now: datetime
) -> list[Problem]:
    """Let a statement count; what there is to warn of."""
    account = reading.account
    assert account is not None  # noqa: S101  # a statement without one was refused
    figures = _figures(reading, ends, now)
    before, after = _neighbours(account.id, figures)
    earlier = chain.last.get(account.id)
    if earlier is None or (before is not None and earlier.ends_on < before.ends_on):
        earlier = None if before is None else _figures_of(before)
    linked = link(figures, earlier)
    warnings = _warnings(reading, ends, linked, earlier, None if before is None else before.id)
    if row.is_dry_run:
        chain.last[account.id] = figures
        return warnings
    write_some(row, reading, lines, now)
    statement = Statement.objects.get(id=str(reading.statement_id))
    seen = 0
    if Statement.objects.filter(
        account_id=account.id, is_complete=True, starts_on__lte=figures.ends_on, ends_on__gte=figures.starts_on
    ).exists():
        seen = count_lines_seen_before(
            statement_id=statement.id, account_id=account.id, starts_on=figures.starts_on, ends_on=figures.ends_on
        )
    if seen:
        linked = Link("overlap", linked.break_minor, linked.missing)
        warnings.append(
            Problem(
                ends.place,
                "lines_seen_before",
                f"{seen} of its lines are in other statements of the account too.",
                {"lines": seen},
            )
        )
    tally = reading.tally
    statement.starts_on, statement.ends_on = figures.starts_on, figures.ends_on
    statement.opening_minor, statement.closing_minor = figures.opening_minor, figures.closing_minor
    statement.lines = tally.lines
    statement.credits_minor, statement.debits_minor = tally.credits_minor, tally.debits_minor
    statement.continuity, statement.break_minor = linked.continuity, linked.break_minor
    statement.previous_id = None if before is None else before.id
    statement.is_complete = True
    statement.save()
    _relink(after, statement)
    open_lines(statement_id=statement.id, is_rail=account.kind == "rail")
    record = statement_record(Statement.objects.get(id=statement.id))
    record_events(events=[events.imported(record, sha256=bytes(row.sha256).hex())], now=now)
    return [*warnings, *_settle(statement, ends.place, now)]


def _settle(statement: Statement, place: str, now: datetime) -> list[Problem]:
    """Have what a rail paid out posted, now or later; a warning when it is not posted with its statement."""
    settlement = begin_settlement(statement=statement, now=now)
    if settlement is None or settlement.state == "posted":
        return []
    extra = {"statement_id": statement.id, "batch": settlement.batch, "refused": settlement.reason_code}
    return [Problem(place, _NOT_POSTED[settlement.state], settlement.reason, extra)]


def _warnings(
    reading: Reading, ends: Ends, linked: Link, before: Figures | None, previous_id: str | None
) -> list[Problem]:
    found: list[Problem] = []
    has_balances = reading.begins.format not in ("csv", "settlement")
    if has_balances and (ends.opening_minor is None or ends.closing_minor is None):
        found.append(Problem(ends.place, "balance_missing", "The statement has no opening or no closing balance."))
    if linked.continuity in ("gap", "overlap"):
        extra = {
            "previous_id": previous_id,
            "previous_closing_minor": None if before is None else before.closing_minor,
            "opening_minor": ends.opening_minor,
            "break_minor": linked.break_minor,
            "missing": linked.missing,
        }
        extra = {name: value for name, value in extra.items() if value is not None}
        detail = (
            f"It opens with {ends.opening_minor}, {linked.break_minor} from where the one before closed."
            if linked.break_minor
            else _missing_words(linked.missing, reading.begins.sequence or 0)
        )
        found.append(Problem(ends.place, f"continuity_{linked.continuity}", detail, extra))
    return found


def _missing_words(missing: int, sequence: int) -> str:
    if missing == 1:
        return f"Number {sequence - 1} of the sequence is not here."
    return f"Numbers {sequence - missing} to {sequence - 1} of the sequence are not here."


def _neighbours(account_id: str, figures: Figures) -> tuple[Statement | None, Statement | None]:
    """The complete statements before and after: by their last day, on the same day by sequence and page."""
    rows = Statement.objects.filter(account_id=account_id, is_complete=True)
    same = Q(ends_on=figures.ends_on)
    goes_before = Q(ends_on__lt=figures.ends_on)
    if figures.sequence is None:
        goes_before |= same
        comes_after = Q(ends_on__gt=figures.ends_on)
    else:
        number, page = figures.sequence, figures.page
        earlier_page = Q(sequence=number, page__lt=page)
        goes_before |= same & (Q(sequence__lt=number) | Q(sequence__isnull=True) | earlier_page)
        comes_after = Q(ends_on__gt=figures.ends_on) | (same & Q(sequence__gte=number) & ~earlier_page)
    before = rows.filter(goes_before).order_by("-ends_on", "-sequence", "-page", "-id").first()
    return before, rows.filter(comes_after).order_by("ends_on", "sequence", "page", "id").first()


def _figures_of(row: Statement) -> Figures:
    return Figures(row.starts_on, row.ends_on, row.sequence, row.opening_minor, row.closing_minor, row.page)


def _relink(after: Statement | None, before: Statement) -> None:
    """A statement that came later for earlier days closes the gap that the next one had, or shows another."""
    if after is None:
        return
    linked = link(_figures_of(after), _figures_of(before))
    Statement.objects.filter(id=after.id).update(
        continuity=linked.continuity, break_minor=linked.break_minor, previous_id=before.id
    )


def compare_known(row: StatementImport, reading: Reading, ends: Ends, known: Statement) -> None:
    """A statement that is here already is repeated when it says the same, and refused when it does not."""
    tally = reading.tally
    ours = (tally.lines, tally.credits_minor, tally.debits_minor, ends.opening_minor, ends.closing_minor)
    theirs = (
        known.lines, int(known.credits_minor), int(known.debits_minor), known.opening_minor, known.closing_minor
    )  # fmt: skip
    if reading.refused_lines == 0 and ours == theirs:
        row.lines_repeated += reading.lines
        return
    names = ("lines", "credits_minor", "debits_minor", "opening_minor", "closing_minor")
    reading.refuse([
        Problem(reading.begins.place, "duplicate_statement",
                f"{reading.begins.external_id[:60]} is here already as {known.id}, with other figures.",
                {"statement_id": known.id, "told": dict(zip(names, ours, strict=True)),
                 "known": dict(zip(names, theirs, strict=True))})
    ])  # fmt: skip


def repeated(reading: Reading, known: Statement) -> Problem:
    return Problem(reading.begins.place, "statement_repeated",
                   f"{reading.begins.external_id[:60]} is here already as {known.id}.",
                   {"statement_id": known.id})  # fmt: skip
