"""Importing a file: its statements one after the other, their lines chunk by chunk.

A chunk is one transaction that writes its lines and moves the import on. A statement counts once its last chunk is in
and every check was made, in one transaction with its lines' way onto matching's worklist; one that fails a check is
taken away again, wholly. Whatever is killed goes on: the file is read again from its beginning, and what was counted
already is not written twice.
"""

from collections.abc import Sequence
from datetime import datetime

from evidence.operations import record_events
from zentra.core.queue import enqueue
from zentra.core.tenancy import current_tenant
from zentra.reconciliation.statements import events
from zentra.reconciliation.statements.checks import LATEST_AFTER, check_days, check_sums
from zentra.reconciliation.statements.completing import compare_known, complete_statement, paged, repeated, write_some
from zentra.reconciliation.statements.errors import ImportMoved, StatementFileRefused
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, ParsedLine, Problem
from zentra.reconciliation.statements.models import ImportProblem, ReconciledAccount, Statement, StatementImport
from zentra.reconciliation.statements.queries.imports import get_import
from zentra.reconciliation.statements.reading import Chain, Reading
from zentra.reconciliation.statements.records import account_record, import_record
from zentra.reconciliation.statements.types import (
    MAX_PROBLEMS_KEPT,
    PERIODS_WORK,
    RUN_WORK,
    ImportRecord,
    ReconciledAccountRecord,
)
from zentra.reconciliation.statements.writing import end_unfinished, take_away


def begin_import(*, import_id: str, now: datetime) -> ImportRecord:
    """Mark a queued import as running; the import as it stands. Raises ImportNotFound."""
    StatementImport.objects.filter(id=import_id, state="queued").update(state="running", updated_at=now)
    return get_import(import_id=import_id)


def begin_statement(*, begins: Begins, record: ImportRecord, now: datetime) -> Reading:
    """Find the account of a statement and what is here of it already."""
    reading = Reading(begins, latest=now.date() + LATEST_AFTER)
    reading.refuse(begins.problems)
    reading.refuse([*check_days(begins.starts_on, begins.ends_on, place=begins.place, latest=reading.latest)])
    if reading.problems:
        return reading
    found = _account_of(begins, record)
    if isinstance(found, Problem):
        reading.refuse([found])
        return reading
    reading.account = found
    reading.is_collected = record.is_collected and begins.format == "settlement"
    begun = Statement.objects.filter(import_id=record.id, is_complete=False).first()  # one at a time
    if begun is None:
        _find_known(reading, found.id, record)
    elif begun.account_id == found.id:
        reading.statement_id, reading.written = begun.id, begun.lines
    else:
        reading.refuse([_account_changed(begins, begun, found)])
    return reading


def _find_known(reading: Reading, account_id: str, record: ImportRecord) -> None:
    """What other imports brought of a statement; raises ImportMoved while one of them is still writing it."""
    here = Statement.objects.filter(account_id=account_id, external_id=reading.begins.external_id)
    if reading.is_collected:
        here = here.filter(is_collected=True)  # what somebody sent is not in the way of what the rail itself says
    rows = list(here.order_by("-is_collected"))
    reading.known = next((row for row in rows if row.is_complete), None)
    for begun in rows:
        if begun.is_complete:
            continue
        is_written = StatementImport.objects.filter(id=begun.import_id, state__in=("queued", "running")).exists()
        if is_written and reading.known is None:
            raise ImportMoved(f"{begun.import_id} is writing this statement.", import_id=begun.import_id)
        if not is_written and not record.is_dry_run:
            take_away(begun)


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
    write_some(row, reading, lines, now)
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
    ends = paged(ends, reading)
    days = {ends.starts_on, ends.ends_on} - {reading.begins.starts_on, reading.begins.ends_on}
    reading.refuse([*check_days(*days, place=ends.place, latest=reading.latest)])
    if reading.account is not None and reading.refused_lines == 0 and reading.known is None:
        reading.refuse([*ends.problems, *check_sums(ends, reading.tally)])
    row.lines_read += count
    warnings: list[Problem] = []
    if reading.known is not None and not reading.problems:
        compare_known(row, reading, ends, reading.known)
        warnings = [repeated(reading, reading.known)] if not reading.problems else []
    if reading.problems:
        _refuse(row, reading, now)
    elif reading.known is None:
        warnings = complete_statement(row, reading, ends, lines, chain, now)
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
    end_unfinished(row)
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


def _account_changed(begins: Begins, begun: Statement, found: ReconciledAccountRecord) -> Problem:
    return Problem(begins.place, "account_differs",
                   f"Its account was {begun.account_id} when its import began and is {found.id} now.",
                   {"account": begun.account_id, "expected": found.id})  # fmt: skip


def _refuse(row: StatementImport, reading: Reading, now: datetime) -> None:
    """Take away what was written of a statement and say why."""
    # Whatever the import has begun, also where this worker could not find its account any more.
    for begun in Statement.objects.filter(import_id=row.id, is_complete=False):
        take_away(begun)
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
        enqueue(workspace_id=tenant.id, kind=RUN_WORK, ref=str(account_id), due_at=now, priority=7)
    newest = Statement.objects.filter(import_id=row.id, is_complete=True).order_by("-ends_on").first()
    if newest is not None:  # months that closeout does not know yet
        enqueue(workspace_id=tenant.id, kind=PERIODS_WORK, ref=newest.id, due_at=now, priority=7)
