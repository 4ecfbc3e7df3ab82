"""Lines and statements as rows. Lines go in by COPY, many in one message: a month of a busy account has a million."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection

from zentra.core import ids
from zentra.reconciliation.statements.formats.parsed import ParsedLine
from zentra.reconciliation.statements.models import Statement, StatementImport

_COLUMNS: Final = (
    "id, account_id, statement_id, number, booked_on, value_on, amount_minor, currency, kind, reference,"
    ' "references", batch, gross_minor, fee_minor, original_amount_minor, original_currency, exchange_rate,'
    " counterparty, description, is_reversal, fingerprint"
)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": None})
_NULL: Final = "\\N"


def write_lines(lines: Sequence[ParsedLine], *, account_id: UUID, statement_id: UUID, first_number: int) -> None:
    """Add lines to a statement that is not complete yet, the first under ``first_number``."""
    account, statement, seed = str(account_id), str(statement_id), account_id.bytes
    rows = [
        _row(line, str(ids.new_uuid()), account, statement, str(number), seed)
        for number, line in enumerate(lines, start=first_number)
    ]
    # COPY writes in the transaction like any other statement; the text form, because building it here in one go costs
    # a third of handing value after value to the driver.
    with connection.cursor() as cursor, cursor.copy(f"COPY recon_line ({_COLUMNS}) FROM STDIN") as copy:
        copy.write("".join(rows))


def fingerprint_of(line: ParsedLine, *, account: bytes) -> bytes:
    """SHA-256 over what makes it the same line when it is sent again: account, days, money, references, texts."""
    charged = [] if line.gross_minor is None and line.fee_minor is None else [line.gross_minor, line.fee_minor]
    said = json.dumps(
        [line.booked_on.isoformat(), line.value_on.isoformat(), line.amount_minor, line.currency,
         sorted(line.references.items()), line.counterparty, line.description, *charged],
        ensure_ascii=False, separators=(",", ":"), default=str,
    )  # fmt: skip
    return hashlib.sha256(account + said.encode("utf-8", "surrogatepass")).digest()


def delete_lines(*, statement_id: str) -> None:
    """Take the lines of an incomplete statement away again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM recon_line WHERE statement_id = %s", [ids.to_uuid(statement_id, prefix="stm")])


def take_away(begun: Statement) -> None:
    """Take a statement away that is not complete, with its lines."""
    delete_lines(statement_id=begun.id)
    begun.delete()


def end_unfinished(row: StatementImport) -> None:
    """Take away the statement that an import had begun, and count its lines as refused. The caller saves the row."""
    for begun in Statement.objects.filter(import_id=row.id, is_complete=False):
        take_away(begun)
    if row.is_dry_run:
        return
    complete = Statement.objects.filter(import_id=row.id, is_complete=True).values_list("lines", flat=True)
    row.lines_written = sum(complete)
    row.lines_refused = row.lines_read - row.lines_written - row.lines_repeated


def open_lines(*, statement_id: str, is_rail: bool) -> None:
    """Put the lines of a statement onto matching's worklist.

    A rail's account is moved by gross: what moves none of it, as the payout of a batch whose refunds are its payments,
    has no entry there that it could ever be paired with.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recon_open_line (line_id, account_id) SELECT id, account_id FROM recon_line"
            " WHERE statement_id = %s AND NOT (%s AND gross_minor IS NOT DISTINCT FROM 0)",
            [ids.to_uuid(statement_id, prefix="stm"), is_rail],
        )


def count_lines_seen_before(*, statement_id: str, account_id: str, starts_on: date, ends_on: date) -> int:
    """How many lines of a statement other complete statements of its account have too, by fingerprint."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM recon_line l WHERE l.statement_id = %(statement)s AND EXISTS ("
            " SELECT 1 FROM recon_line o JOIN recon_statement s ON s.id = o.statement_id"
            " WHERE o.account_id = %(account)s AND o.fingerprint = l.fingerprint AND o.statement_id <> l.statement_id"
            " AND s.is_complete AND s.ends_on >= %(starts)s AND s.starts_on <= %(ends)s)",
            {
                "statement": ids.to_uuid(statement_id, prefix="stm"),
                "account": ids.to_uuid(account_id, prefix="rca"),
                "starts": starts_on,
                "ends": ends_on,
            },
        )
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _row(line: ParsedLine, line_id: str, account: str, statement: str, number: str, seed: bytes) -> str:
    gross, fee, original = line.gross_minor, line.fee_minor, line.original_amount_minor
    return "\t".join(
        (
            line_id, account, statement, number, line.booked_on.isoformat(), line.value_on.isoformat(),
            str(line.amount_minor), line.currency, _text(line.kind), line.reference,
            _text(json.dumps(line.references)), line.batch,
            _NULL if gross is None else str(gross), _NULL if fee is None else str(fee),
            _NULL if original is None else str(original), line.original_currency, line.exchange_rate,
            _text(line.counterparty), _text(line.description), "t" if line.is_reversal else "f",
            "\\\\x" + fingerprint_of(line, account=seed).hex(),
        )
    ) + "\n"  # fmt: skip


def _text(text: str) -> str:
    return text.translate(_ESCAPES) if text else text
