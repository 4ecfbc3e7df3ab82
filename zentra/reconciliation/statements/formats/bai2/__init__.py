"""BAI2, the cash management balance reporting format of banks in North America, version 2.

Written from the Cash Management Balance Reporting Specifications Version 2 (Bank Administration Institute). A file is
read twice: first its control totals (``49``, ``98``, ``99``), so that nothing counts of a file that was cut short or
changed, then its accounts, record by record, so that memory does not grow with the file.
"""

from zentra.reconciliation.statements.formats.bai2.reader import read_bai2

__all__ = ["read_bai2"]
