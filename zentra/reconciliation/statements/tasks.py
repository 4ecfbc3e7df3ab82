"""The worker's side of imports: for a while at a time, each chunk a unit of work of its own."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from zentra.core import clock
from zentra.core.actors import Actor
from zentra.core.ids import BadId
from zentra.core.queue import Defer, WorkItem, handles
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements import collecting as _collecting  # noqa: F401  # registers the fetching of files
from zentra.reconciliation.statements.errors import (
    ImportMoved,
    ImportNotFound,
    SettlementNotFound,
    StatementFileRefused,
)
from zentra.reconciliation.statements.formats.mapping import CsvMapping
from zentra.reconciliation.statements.formats.parsed import Begins, Ends, LineRefused, ParsedLine, Part
from zentra.reconciliation.statements.formats.readers import read_parts
from zentra.reconciliation.statements.importing import (
    begin_import,
    begin_statement,
    fail_import,
    finish_import,
    finish_statement,
    refusal_of,
    write_chunk,
)
from zentra.reconciliation.statements.operations.settlements import settle_waiting
from zentra.reconciliation.statements.queries.accounts import get_reconciled_account
from zentra.reconciliation.statements.reading import Chain, Reading
from zentra.reconciliation.statements.storage import open_stored
from zentra.reconciliation.statements.types import CHUNK_LINES, IMPORT_WORK, SETTLE_WORK, ImportRecord
from zentra.tenants.denials import of_this_workspace
from zentra.tenants.denials.operations import record_denial
from zentra.tenants.permissions import Permission
from zentra.tenants.roles.queries import may_still

SECONDS_AT_A_TIME: Final = 15.0
"""Of writing, well within the lease of a work item; what is left is done under the next one."""


@handles(IMPORT_WORK)
@of_this_workspace(ImportNotFound)
def run_import(item: WorkItem, ws: TenantRef) -> None:
    """Import for a while, then let others work; a second worker at the same import waits until the first is gone."""
    try:
        record = advance_import(ws=ws, import_id=item.ref)
    except ImportMoved as error:
        raise Defer(clock.now() + timedelta(seconds=2), error.detail) from error
    if not record.is_finished:
        raise Defer(clock.now(), f"{record.percent} % read")


@handles(SETTLE_WORK)
@of_this_workspace(SettlementNotFound, BadId)
def settle(item: WorkItem, ws: TenantRef) -> None:
    """Post what a rail paid out, as often as it takes; the settlement itself says why it waits."""
    with tenant_work(ws):
        record = settle_waiting(statement_id=item.ref, now=clock.now())
    if record.state == "waiting" and record.next_try_at is not None:
        raise Defer(record.next_try_at, f"{record.reason_code}: {record.reason}")


def advance_import(*, ws: TenantRef, import_id: str, seconds: float = SECONDS_AT_A_TIME) -> ImportRecord:
    """Write the next chunks of an import, for about so long; the import after them.

    Raises ImportMoved when another worker is at it, LedgerBusy.
    """
    with tenant_work(ws):
        record = begin_import(import_id=import_id, now=clock.now())
    if record.is_finished:
        return record
    try:
        with open_stored(record.storage_name, workspace=ws, sha256=record.sha256) as source:
            worker = _Worker(ws, record, seconds)
            mapping, currency = _how(ws, record)
            return worker.work(
                read_parts(source, form=record.format, mapping=mapping, currency=currency, progress=worker.at)
            )
    except StatementFileRefused as refusal:
        with tenant_work(ws):
            return fail_import(import_id=import_id, now=clock.now(), **refusal_of(refusal))


def _how(ws: TenantRef, record: ImportRecord) -> tuple[CsvMapping | None, str]:
    """What a CSV file does not say itself: its mapping, and its account's currency."""
    if record.format != "csv":
        return None, ""
    with tenant_work(ws):
        account = get_reconciled_account(account_id=str(record.account_id))
    return CsvMapping.read(record.mapping or {}), account.currency


class _Worker:
    """Takes the parts of a file in their order, from where the import stands."""

    def __init__(self, ws: TenantRef, record: ImportRecord, seconds: float) -> None:
        self._ws, self._record, self._seconds = ws, record, seconds
        self._deadline: float | None = None
        self._read_bytes = 0
        self._to_skip = record.lines_read
        self._finished = record.statements + record.statements_refused
        self._reading: Reading | None = None
        self._lines: list[ParsedLine] = []
        self._count = 0
        self._chain = Chain()

    def at(self, read_bytes: int) -> None:
        """Told by the parser how far it is."""
        self._read_bytes = read_bytes

    def work(self, parts: Iterator[Part]) -> ImportRecord:
        """Go through the file; the import when it is finished, or was canceled, or the time is up."""
        for part in parts:
            if isinstance(part, ParsedLine):
                if self._line(part):
                    return self._record
            elif isinstance(part, LineRefused):
                self._refused(part)
            elif isinstance(part, Begins):
                self._begins(part)
            elif self._ends(part):
                return self._record
        with tenant_work(self._ws):
            self._record = finish_import(record=self._record, now=clock.now())
        return self._record

    def _begins(self, begins: Begins) -> None:
        self._lines, self._count = [], 0
        if begins.number <= self._finished:
            self._reading = None
            return
        with tenant_work(self._ws):
            self._reading = begin_statement(begins=begins, record=self._record, now=clock.now())

    def _line(self, line: ParsedLine) -> bool:
        """Count a line; whether to stop."""
        reading = self._reading
        if reading is not None:
            reading.count(line)
        if self._to_skip:
            self._to_skip -= 1
            return False
        if reading is not None:
            self._count += 1
            if reading.is_written:
                self._lines.append(line)
        return self._count >= CHUNK_LINES and self._flush()

    def _refused(self, part: LineRefused) -> None:
        reading = self._reading
        if reading is not None:
            reading.refuse(part.problems)
            reading.refused_lines += 1
            reading.lines += 1
        if self._to_skip:
            self._to_skip -= 1
        elif reading is not None:
            self._count += 1

    def _flush(self) -> bool:
        if self._reading is None or not self._allowed():
            return True
        with tenant_work(self._ws):
            self._record = write_chunk(
                record=self._record, reading=self._reading, lines=self._lines, count=self._count,
                read_bytes=self._read_bytes, now=clock.now(),
            )  # fmt: skip
        self._lines, self._count = [], 0
        return self._record.is_finished or self._is_late()

    def _ends(self, ends: Ends) -> bool:
        if self._reading is None:
            return False
        if not self._allowed():
            return True
        with tenant_work(self._ws):
            self._record = finish_statement(
                record=self._record, reading=self._reading, ends=ends, lines=self._lines, count=self._count,
                read_bytes=self._read_bytes, chain=self._chain, now=clock.now(),
            )  # fmt: skip
        self._lines, self._count, self._reading = [], 0, None
        return self._record.is_finished or self._is_late()

    def _is_late(self) -> bool:
        """The time counts from the first chunk on: going past what is there already is quick and is no progress."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
        return time.monotonic() >= self._deadline

    def _allowed(self) -> bool:
        """Whether whoever started it may still import; if not, the import is ended."""
        record = self._record
        if may_still(workspace=self._ws, asked_by=record.created_by, permission=Permission.RECONCILIATION_IMPORT):
            return True
        moment = clock.now()
        record_denial(
            actor=Actor(**record.created_by), action=Permission.RECONCILIATION_IMPORT, reason="permission",
            surface="task", target=self._ws, home=self._ws, now=moment,
        )  # fmt: skip
        with tenant_work(self._ws):
            self._record = fail_import(
                import_id=record.id, code="import_not_allowed",
                detail="Whoever started it may not import any more.", now=moment,
            )  # fmt: skip
        return False
