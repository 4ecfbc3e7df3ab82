"""The exceptions of an address as CSV and as a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import xlsxwriter
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from console.doors import Visit, room
from console.downloads import attached, send_file, spooled, still_may
from console.forms import FormIncomplete
from console.readings.exceptions import where_of
from console.views.recon_statements import safe_text
from zentra.reconciliation.matching.desk.queries import key_of, list_exceptions
from zentra.tenants.permissions import Permission

EXPORTED: Final = 200
MOST_EXPORTED: Final = 50_000
_HEAD: Final = (
    "exception_id",
    "kind",
    "state",
    "resolution",
    "account",
    "happened_on",
    "age_days",
    "amount_minor",
    "difference_minor",
    "currency",
    "reason_code",
    "reason",
    "line_id",
    "entry_id",
    "intent_id",
    "opened_at",
    "due_at",
    "resolved_at",
)


def _rows(visit: Visit, most: int | None = None) -> Iterator[tuple[object, ...]]:
    """Those of the address, oldest first: all pages, or until there are more than ``most``."""
    where, _ = where_of(visit)
    after: tuple[Any, str] | None = None
    sent = 0
    while most is None or sent <= most:
        found = list_exceptions(where=where, now=visit.now, order="oldest", after=after, limit=EXPORTED)
        for each in found:
            yield (
                each.id,
                each.kind,
                each.state,
                each.resolution,
                each.account_name,
                each.happened_on.isoformat(),
                each.age_days,
                each.amount_minor,
                each.difference_minor,
                each.currency,
                each.reason_code,
                each.reason,
                each.line_id,
                each.entry_id,
                each.intent_id,
                each.opened_at.isoformat(),
                each.due_at.isoformat(),
                each.resolved_at.isoformat() if each.resolved_at else "",
            )
        sent += len(found)
        if len(found) < EXPORTED:
            return
        after = key_of(record=found[-1])


def _csv(visit: Visit) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    for number, each in enumerate(_rows(visit), start=1):
        writer.writerow([safe_text(value) for value in each])
        if number % EXPORTED == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


@room(Permission.RECONCILIATION_READ)
def download_csv(visit: Visit) -> HttpResponseBase:
    """The exceptions of the address as CSV, however many they are."""
    file = spooled(_csv(visit))  # read within this transaction, sent after it
    still = still_may(visit, Permission.RECONCILIATION_READ)
    name = f"exceptions-{visit.now:%Y-%m-%d}.csv"
    return send_file(visit.request, file, name=name, kind="text/csv; charset=utf-8", still=still)


@room(Permission.RECONCILIATION_READ)
def download_xlsx(visit: Visit) -> HttpResponse:
    """The same as a spreadsheet, of 50,000 at most; texts stay texts and are never formulas."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = book.add_worksheet("Exceptions")
    page.write_row(0, 0, _HEAD, book.add_format({"bold": True}))
    page.freeze_panes(1, 1)
    for at, each in enumerate(_rows(visit, MOST_EXPORTED), start=1):
        if at > MOST_EXPORTED:
            raise FormIncomplete(f"A spreadsheet carries {MOST_EXPORTED:,} exceptions; take the CSV.")
        page.write_row(at, 0, ["" if value is None else value for value in each])
    book.close()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return attached(file.getvalue(), f"exceptions-{visit.now:%Y-%m-%d}.xlsx", kind)
