"""Importing a file: its statements one after the other, their lines chunk by chunk.

A chunk is one transaction that writes its lines and moves the import on. A statement counts once its last chunk is in
and every check was made, in one transaction with its lines' way onto matching's worklist; one that fails a check is
taken away again, wholly. Whatever is killed goes on: the file is read again from its beginning, and what was counted
already is not written twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from evidence.operations import record_events
from zentra.core import ids
from zentra.core.actors import RECONCILIATION
from zentra.core.errors import DomainError
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements import events
from zentra.reconciliation.statements.checks import Figures, Link, Tally, check_sums, link
from zentra.reconciliation.statements.errors import ImportMoved, StatementFileRefused
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, ParsedLine, Problem
from zentra.reconciliation.statements.models import ImportProblem, ReconciledAccount, Statement, StatementImport
from zentra.reconciliation.statements.queries.imports import get_import
from zentra.reconciliation.statements.records import account_record, import_record, statement_record
from zentra.reconciliation.statements.settlements import post_settlement
from zentra.reconciliation.statements.types import (
    MAX_PROBLEMS_KEPT,
    RUN_WORK,
    ImportRecord,
    ReconciledAccountRecord,
)
from zentra.reconciliation.statements.writing import (
    count_lines_seen_before,
    delete_lines,
    end_unfinished,
    open_lines,
    write_lines,
)

_PROBLEMS_OF_A_STATEMENT: Final = 200


@dataclass(slots=True)
class Reading:
    """The statement that is being read: what was found of it so far."""

    begins: Begins
    account: ReconciledAccountRecord | None = None
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    refused_lines: int = 0
    lines: int = 0  # readable and not
    written: int = 0
    statement_id: str | None = None
    known: Statement | None = None

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Keep what is wrong, the first two hundred; the statement cannot count any more."""
        room = _PROBLEMS_OF_A_STATEMENT - len(self.problems)
        self.problems.extend(problems[:room])

    @property
    def is_written(self) -> bool:
        """Whether its lines are to be kept."""
        return not self.problems and self.known is None


@dataclass(slots=True)
class Chain:
    """The last statement of each account in this file, for a dry run, of which nothing is in the database."""

    last: dict[str, Figures] = field(default_factory=dict)


def begin_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Mark a queued import as running; the import as it stands. Raises ImportNotFound."""
    StatementImport.objects.filter(id=import_id, state="queued").update(state="running", updated_at=now)
    return get_import(import_id=import_id)


def begin_statement(*, begins: Begins, record: ImportRecord) -> Reading:
    """Find the account of a statement and what is here of it already."""
    reading = Reading(begins)
    reading.refuse(begins.problems)
    if begins.problems:
        return reading
    found = _account_of(begins, record)
    if isinstance(found, Problem):
        reading.refuse([found])
        return reading
    reading.account = found
    row = Statement.objects.filter(account_id=found.id, external_id=begins.external_id).first()
    if row is None:
        return reading
    if row.is_complete:
        reading.known = row
    elif row.import_id == record.id:
        reading.statement_id, reading.written = row.id, row.lines
    else:
        raise ImportMoved(f"{row.import_id} is writing this statement.", import_id=row.import_id)
    return reading


def write_chunk(
    *, record: ImportRecord, reading: Reading, lines: Sequence[ParsedLine], count: int, read_bytes: int, now: datetime
) -> ImportRecord:
    """Write a chunk and move the import on, in the caller's transaction. ``count`` are its lines, refused ones too.

    An import that was canceled meanwhile is given back as it is. Raises ImportMoved when another worker has it or took
    this chunk first: nothing was written.
    """
    row = _locked(record)
    if row.state != "running":
        return import_record(row)
    _write(row, reading, lines, now)
    row.lines_read += count
    row.lines_written = row.lines_read - row.lines_repeated - row.lines_refused
    row.read_bytes, row.updated_at = max(row.read_bytes, read_bytes), now
    row.save()
    return import_record(row)


def finish_statement(
    *, record: ImportRecord, reading: Reading, ends: Ends, lines: Sequence[ParsedLine], count: int, read_bytes: int,
    chain: Chain, now: datetime,
) -> ImportRecord:  # fmt: skip
    """Write a statement's last lines, check it and let it count, or take it away; as ``write_chunk``."""
    row = _locked(record)
    if row.state != "running":
        return import_record(row)
    ends = _paged(ends, reading)
    if reading.account is not None and reading.refused_lines == 0 and reading.known is None:
        reading.refuse([*ends.problems, *check_sums(ends, reading.tally)])
    row.lines_read += count
    warnings: list[Problem] = []
    if reading.known is not None and not reading.problems:
        _compare(row, reading, ends, reading.known)
        warnings = [_repeated(reading, reading.known)] if not reading.problems else []
    if reading.problems:
        _refuse(row, reading, now)
    elif reading.known is None:
        warnings = _complete(row, reading, ends, lines, chain, now)
    row.statements += 0 if reading.problems else 1
    _keep_problems(row, warnings, is_warning=True)
    row.lines_written = row.lines_read - row.lines_repeated - row.lines_refused
    row.read_bytes, row.updated_at = max(row.read_bytes, read_bytes), now
    row.save()
    return import_record(row)


def finish_import(*, record: ImportRecord, now: datetime) -> ImportRecord:
    """End an import whose file was read to its end: failed when a statement of it was refused, so that the mended
    file, or the same after its account was opened, can be sent again."""
    row = _locked(record)
    if row.state != "running":
        return import_record(row)
    if row.statements_refused:
        first = ImportProblem.objects.filter(import_id=row.id, is_warning=False).order_by("number").first()
        total = row.statements + row.statements_refused
        row.problem_code = first.code if first else "statement_refused"
        row.problem = f"{row.statements_refused} of {total} statements refused. " + (first.detail if first else "")
    row.state = "failed" if row.statements_refused else "done"
    row.read_bytes = row.size_bytes
    _end(row, now)
    return import_record(row)


def fail_import(*, import_id: str, code: str, detail: str, place: str = "", now: datetime) -> ImportRecord:
    """End an import whose file cannot be read any further. Complete statements stand, a begun one is taken away."""
    row = StatementImport.objects.select_for_update().get(id=import_id)
    if row.state not in ("queued", "running"):
        return import_record(row)
    end_unfinished(row)
    problem = Problem(place or "file", code, detail)
    _keep_problems(row, [problem])
    row.state, row.problem_code, row.problem = "failed", code, detail[:1000]
    _end(row, now)
    record = import_record(row)
    if not row.is_dry_run:
        told = events.refused(record, problem=problem, account_id=row.account_id, statement=None, lines=row.lines_read)
        record_events(events=[told], now=now)
    return record


def refusal_of(error: StatementFileRefused) -> dict[str, str]:
    """What ``fail_import`` is told of a refusal."""
    return {"code": error.code, "detail": error.detail, "place": str(error.extra.get("place") or "")}


# Rows


def _locked(record: ImportRecord) -> StatementImport:
    """The import's row, locked, as far as this worker left it."""
    row = StatementImport.objects.select_for_update(skip_locked=True).filter(id=record.id).first()
    if row is None:
        raise ImportMoved(f"Another worker is at {record.id}.", import_id=record.id)
    finished = row.statements + row.statements_refused
    is_ours = row.lines_read == record.lines_read and finished == record.statements + record.statements_refused
    if row.state == "running" and not is_ours:
        raise ImportMoved(f"{record.id} is at line {row.lines_read} already.", import_id=record.id)
    return row


def _account_of(begins: Begins, record: ImportRecord) -> ReconciledAccountRecord | Problem:
    rows = ReconciledAccount.objects.filter(closed_at__isnull=True)
    if record.account_id is None:
        row = rows.filter(external_id__in=begins.accounts, currency=begins.currency).first()
        if row is None:
            said = ", ".join(begins.accounts)[:100]
            return Problem(begins.place, "account_unknown", f"No account {said} in {begins.currency} is reconciled.",
                           {"account": said, "currency": begins.currency})  # fmt: skip
        return account_record(row)
    row = rows.filter(id=record.account_id).first()
    if row is None:
        return Problem(begins.place, "account_unknown", "The reconciled account is closed.")
    if begins.accounts and row.external_id not in begins.accounts:
        return Problem(begins.place, "account_differs",
                       f"The statement is of {', '.join(begins.accounts)[:100]}, not of {row.external_id}.",
                       {"account": ", ".join(begins.accounts)[:100], "expected": row.external_id})  # fmt: skip
    if begins.currency != row.currency:
        return Problem(begins.place, "currency_mismatch",
                       f"The statement is in {begins.currency}, the account in {row.currency}.",
                       {"currency": begins.currency, "expected": row.currency})  # fmt: skip
    return account_record(row)


def _write(row: StatementImport, reading: Reading, lines: Sequence[ParsedLine], now: datetime) -> None:
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
                external_id=begins.external_id, sequence=begins.sequence, currency=account.currency, starts_on=day,
                ends_on=day, continuity="unknown", is_complete=False, created_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise ImportMoved(
            f"Another import is writing {begins.external_id[:60]} of {account.id}.", import_id=row.id
        ) from None
    return str(made.id)


def _paged(ends: Ends, reading: Reading) -> Ends:
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
    return Figures(min(days), max(days), begins.sequence, ends.opening_minor, ends.closing_minor)


# What becomes of a statement


def _complete(
    row: StatementImport, reading: Reading, ends: Ends, lines: Sequence[ParsedLine], chain: Chain, now: datetime
) -> list[Problem]:
    """Let a statement count; what there is to warn of."""
    account = reading.account
    assert account is not None  # noqa: S101  # a statement without one was refused
    figures = _figures(reading, ends, now)
    before, after = _neighbours(account.id, figures)
    earlier = chain.last.get(account.id)
    if earlier is not None and (before is None or earlier.ends_on >= before.ends_on):
        linked = link(figures, earlier)
    else:
        linked = link(figures, None if before is None else _figures_of(before))
    warnings = _warnings(reading, ends, linked, before)
    if row.is_dry_run:
        chain.last[account.id] = figures
        return warnings
    _write(row, reading, lines, now)
    statement = Statement.objects.get(id=reading.statement_id)
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
            )  # fmt: skip
        )
    tally = reading.tally
    statement.starts_on, statement.ends_on = figures.starts_on, figures.ends_on
    statement.opening_minor, statement.closing_minor = figures.opening_minor, figures.closing_minor
    statement.lines = tally.lines
    statement.credits_minor, statement.debits_minor = tally.credits_minor, tally.debits_minor  # type: ignore[assignment]  # whole numbers
    statement.continuity, statement.break_minor = linked.continuity, linked.break_minor
    statement.previous_id = None if before is None else before.id
    statement.is_complete = True
    statement.save()
    _relink(after, statement)
    open_lines(statement_id=statement.id)
    record = statement_record(Statement.objects.get(id=statement.id))
    record_events(events=[events.imported(record, sha256=bytes(row.sha256).hex())], now=now)
    return [*warnings, *_post(statement, ends.place, now)]


def _post(statement: Statement, place: str, now: datetime) -> list[Problem]:
    """Post what a rail paid out. A refusal for good leaves the statement standing and is told."""
    if statement.format != "settlement":
        return []
    try:
        with transaction.atomic():
            post_settlement(statement_id=statement.id, actor=RECONCILIATION, now=now)
    except DomainError as error:
        if error.retryable:
            raise
        return [Problem(place, "settlement_not_posted", error.detail, {"refused": error.code})]
    return []


def _warnings(reading: Reading, ends: Ends, linked: Link, before: Statement | None) -> list[Problem]:
    found: list[Problem] = []
    if reading.begins.format.startswith("camt053") and (ends.opening_minor is None or ends.closing_minor is None):
        found.append(Problem(ends.place, "balance_missing", "The statement has no opening or no closing balance."))
    if linked.continuity in ("gap", "overlap"):
        extra = {
            "previous_id": None if before is None else before.id,
            "previous_closing_minor": None if before is None else before.closing_minor,
            "opening_minor": ends.opening_minor,
            "break_minor": linked.break_minor,
            "missing": linked.missing,
        }
        detail = (
            f"It opens with {ends.opening_minor}, {linked.break_minor} from where the one before closed."
            if linked.break_minor
            else f"{linked.missing} numbers of the sequence are not here."
        )
        found.append(Problem(ends.place, f"continuity_{linked.continuity}", detail, extra))
    return found


def _neighbours(account_id: str, figures: Figures) -> tuple[Statement | None, Statement | None]:
    """The complete statements before and after: by their last day, on the same day by sequence."""
    rows = Statement.objects.filter(account_id=account_id, is_complete=True)
    same = Q(ends_on=figures.ends_on)
    goes_before = Q(ends_on__lt=figures.ends_on)
    if figures.sequence is None:
        goes_before |= same
        comes_after = Q(ends_on__gt=figures.ends_on)
    else:
        goes_before |= same & (Q(sequence__lt=figures.sequence) | Q(sequence__isnull=True))
        comes_after = Q(ends_on__gt=figures.ends_on) | (same & Q(sequence__gte=figures.sequence))
    before = rows.filter(goes_before).order_by("-ends_on", "-sequence", "-id").first()
    return before, rows.filter(comes_after).order_by("ends_on", "sequence", "id").first()


def _figures_of(row: Statement) -> Figures:
    return Figures(row.starts_on, row.ends_on, row.sequence, row.opening_minor, row.closing_minor)


def _relink(after: Statement | None, before: Statement) -> None:
    """A statement that came later for earlier days closes the gap that the next one had, or shows another."""
    if after is None:
        return
    linked = link(_figures_of(after), _figures_of(before))
    Statement.objects.filter(id=after.id).update(
        continuity=linked.continuity, break_minor=linked.break_minor, previous_id=before.id
    )


def _compare(row: StatementImport, reading: Reading, ends: Ends, known: Statement) -> None:
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


def _repeated(reading: Reading, known: Statement) -> Problem:
    return Problem(reading.begins.place, "statement_repeated",
                   f"{reading.begins.external_id[:60]} is here already as {known.id}.",
                   {"statement_id": known.id})  # fmt: skip


def _refuse(row: StatementImport, reading: Reading, now: datetime) -> None:
    """Take away what was written of a statement and say why."""
    if reading.statement_id is not None:
        delete_lines(statement_id=reading.statement_id)
        Statement.objects.filter(id=reading.statement_id).delete()
    row.statements_refused += 1
    row.lines_refused += reading.lines
    _keep_problems(row, reading.problems)
    if row.is_dry_run:
        return
    told = events.refused(
        import_record(row), problem=reading.problems[0], statement=reading.begins.number, lines=reading.lines,
        account_id=None if reading.account is None else reading.account.id,
    )  # fmt: skip
    record_events(events=[told], now=now)


def _keep_problems(row: StatementImport, problems: Sequence[Problem], *, is_warning: bool = False) -> None:
    kept = [
        ImportProblem(
            import_id=row.id, number=number, place=problem.place[:300], code=problem.code, detail=problem.detail[:1000],
            extra=problem.extra, is_warning=is_warning,
        )
        for number, problem in enumerate(problems, start=row.problems + 1)
        if number <= MAX_PROBLEMS_KEPT
    ]  # fmt: skip
    ImportProblem.objects.bulk_create(kept)
    row.problems += len(problems)


def _end(row: StatementImport, now: datetime) -> None:
    """Save a finished import, and have each account matched that it brought a statement for."""
    row.updated_at, row.finished_at = now, now
    row.save()
    accounts = Statement.objects.filter(import_id=row.id, is_complete=True).values_list("account_id", flat=True)
    tenant = current_tenant()
    for account_id in sorted(set(accounts)):
        enqueue(workspace_id=tenant.id, kind=RUN_WORK, ref=account_id, due_at=now, priority=7)
