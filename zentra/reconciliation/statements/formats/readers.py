"""Which parser reads which format."""

from collections.abc import Iterator
from typing import BinaryIO

from zentra.reconciliation.statements.errors import MappingMissing
from zentra.reconciliation.statements.formats.bai2 import read_bai2
from zentra.reconciliation.statements.formats.camt053 import read_camt053
from zentra.reconciliation.statements.formats.csv_statement import read_csv
from zentra.reconciliation.statements.formats.mapping import CsvMapping
from zentra.reconciliation.statements.formats.mt940 import read_mt940
from zentra.reconciliation.statements.formats.parsed import Part, Progress
from zentra.reconciliation.statements.formats.settlement import read_settlement
from zentra.reconciliation.statements.types import StatementFormat


def read_parts(
    source: BinaryIO,
    *,
    form: StatementFormat,
    mapping: CsvMapping | None = None,
    currency: str = "",
    progress: Progress | None = None,
) -> Iterator[Part]:
    """The statements of a file, part by part, from its beginning; raises StatementFileRefused and what is one.

    ``mapping`` and ``currency`` are for CSV, which says neither.
    """
    if form == "camt053":
        return read_camt053(source, progress=progress)
    if form == "mt940":
        return read_mt940(source, progress=progress)
    if form == "bai2":
        return read_bai2(source, progress=progress)
    if form == "settlement":
        return read_settlement(source, progress=progress)
    if mapping is None:
        raise MappingMissing
    return read_csv(source, mapping=mapping, currency=currency, progress=progress)
