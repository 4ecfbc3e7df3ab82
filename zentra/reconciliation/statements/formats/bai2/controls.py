"""The control totals of groups and of the file, added up before anything counts."""

from collections.abc import Sequence
from typing import BinaryIO

from zentra.reconciliation.statements.errors import (
    StatementFileControl,
    StatementFileEmpty,
    StatementFileRefused,
    StatementFileTruncated,
)
from zentra.reconciliation.statements.formats.bai2.records import Record, read_count, read_records, read_total
from zentra.reconciliation.statements.formats.sums import WrongField

_INSIDE = {"01": "", "02": "01", "03": "02", "16": "03", "49": "03", "98": "02", "99": "01"}
_CLOSES = {"49": "03", "98": "02", "99": "01"}


class _Level:
    """What is open: the file, a group, an account. Sums of the control totals inside it, and how many there are."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.total = self.members = self.rows = 0


def check_controls(source: BinaryIO) -> None:
    """Go through a file from its beginning; raises StatementFileControl, StatementFileTruncated, StatementFileRefused.

    That the records of an account make its own total (``49``) is checked where its statement is read; here, that the
    accounts make their group, the groups their file, and that every count of records is right.
    """
    levels: list[_Level] = []
    files, last = 0, 0
    for record in read_records(source):
        last = record.number
        inside = levels[-1].code if levels else ""
        if inside != _INSIDE[record.code]:
            raise StatementFileRefused(f"a record {record.code} where none can be.", place=record.place)
        if record.code in ("01", "02", "03"):
            levels.append(_Level(record.code))
        levels[-1].rows += len(record.rows)
        if record.code == "01":
            files += 1
            _check_version(record)
        if record.code in _CLOSES:
            closed = levels.pop()
            total = _check(record, closed)
            if levels:
                levels[-1].total += total
                levels[-1].members += 1
                levels[-1].rows += closed.rows
    if levels:
        raise StatementFileTruncated("the file ends without its trailers.", place=f"line {last}")
    if not files:
        raise StatementFileEmpty("the file has no record.")


def _check_version(record: Record) -> None:
    version = [*record.fields(), *[""] * 8][7]
    if version != "2":
        raise StatementFileRefused(f"version {version[:20]!r} of BAI is not read, only 2.", place=record.place)


def _check(record: Record, level: _Level) -> int:
    """The control total of a trailer, once what else it says is right."""
    cells = [*record.fields(), "", ""]
    try:
        total = read_total(cells[0])
        if record.code == "49":
            _compare(record, (("records", cells[1], level.rows),))
        else:
            members = "accounts" if record.code == "98" else "groups"
            if total != level.total:
                raise _differs(record, "control total", total, level.total)
            _compare(record, ((members, cells[1], level.members), ("records", cells[2], level.rows)))
    except WrongField as wrong:
        raise StatementFileControl(str(wrong), place=f"{record.place}, {record.code}") from None
    return total


def _compare(record: Record, pairs: Sequence[tuple[str, str, int]]) -> None:
    for name, told, counted in pairs:
        if read_count(told) != counted:
            raise _differs(record, f"number of {name}", int(told), counted)


def _differs(record: Record, name: str, told: int, counted: int) -> StatementFileControl:
    return StatementFileControl(
        f"the {name} is {told}, counted are {counted}.", place=f"{record.place}, {record.code}",
        total=name, told=str(told), counted=str(counted),
    )  # fmt: skip
