"""The file: its controls first, then account by account."""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from zentra.reconciliation.statements.formats.bai2.accounts import Account, Group, read_group
from zentra.reconciliation.statements.formats.bai2.controls import check_controls
from zentra.reconciliation.statements.formats.bai2.records import read_records
from zentra.reconciliation.statements.formats.parsed import Part, Progress
from zentra.reconciliation.statements.formats.sums import WrongField


def read_bai2(source: BinaryIO, *, progress: Progress | None = None) -> Iterator[Part]:
    """The statements of a file, part by part, once every control total of groups and file is right.

    Raises StatementFileControl, and what else is a StatementFileRefused: StatementFileUnsafe, StatementFileEncoding,
    StatementFileTruncated, StatementFileEmpty.
    """
    check_controls(source)
    group, account = Group("", None, ""), None
    seen: Counter[tuple[object, ...]] = Counter()
    number = 0
    for record in read_records(source, progress=progress):
        if record.code == "02":
            group = read_group(record)
        elif record.code == "03":
            number += 1
            account = Account(record, group, number=number, seen=seen)
            yield account.begins
        elif record.code == "16" and account is not None:
            try:
                line = account.line(record)
            except WrongField as wrong:
                account.has_broken_lines = True
                yield wrong.refused(record.number, "16")
                continue
            if line is not None:
                yield line
        elif record.code == "49" and account is not None:
            yield account.ends(record)
            account = None
