"""Exports: a worker writes the ledger, or a part of it, to a file, and it is downloaded here."""

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.downloads import send_file, still_may
from console.forms import FormIncomplete, act_once
from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import NONE, grouped, moment, shorten
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types.files import ExportLine, ExportsPage
from console.types.ledger import Field, Option
from console.views.ledger import read_filters, tabs
from ledger.files.types import EXPORT_FORMATS, KINDS, ExportFilters, ExportFormat, ExportRecord
from ledger.operations import start_export
from ledger.queries import get_export, list_exports, open_export
from ledger.types import PostingFilters
from zentra.tenants.permissions import Permission

PAGE: Final = 30
_TYPES: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "beancount": "text/plain"}
# What an export is narrowed by; the list has more filters than that.
_KEPT: Final = ("account", "currency", "state", "basis", "from", "to")
_LOST: Final = {"purpose": "purpose", "intent": "intent", "reference": "reference", "min": "amount", "max": "amount"}


@room(Permission.LEDGER_EXPORT)
def show_exports(visit: Visit) -> HttpResponse:
    """Exports, newest first, and the form for another one."""
    before, here = asked(visit, "before"), f"{visit.base}ledger/exports/"
    found = list_exports(limit=PAGE + 1, before=paging.decode(before))
    shown = found[:PAGE]
    names = names_of(record.created_by for record in shown)
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    lost = list(dict.fromkeys(title for name, title in _LOST.items() if asked(visit, name)))
    page = ExportsPage(
        tabs=tabs(visit, "exports"),
        rows=tuple(_line(visit, record, names) for record in shown),
        fields=_fields(visit),
        kinds=tuple(Option(kind, kind, kind == "postings") for kind in KINDS),
        formats=tuple(Option(form, form, form == "csv") for form in EXPORT_FORMATS),
        post_url=f"{here}start/",
        poll_url=paging.link(here, before=before),
        note=f"An export is not narrowed by {', '.join(lost)}; the rest of the filters is filled in." if lost else "",
        next_url=paging.link(here, before=following) if following else "",
        first_url=here if before else "",
    )
    if visit.is_partial:
        return render(visit.request, "console/parts/export_table.html", {"page": page})
    return render(visit.request, "console/exports.html", {"shell": build_shell(visit, room="ledger"), "page": page})


def _fields(visit: Visit) -> tuple[Field, ...]:
    state, basis = asked(visit, "state"), asked(visit, "basis")
    return (
        Field("account", "Account", asked(visit, "account"), placeholder="all"),
        Field("currency", "Currency", asked(visit, "currency"), placeholder="all"),
        Field(
            "state",
            "State",
            options=tuple(Option(each, each or "all", each == state) for each in ("", "posted", "pending", "released")),
        ),
        Field(
            "basis",
            "Time",
            options=(
                Option("", "recorded", basis != "effective"),
                Option("effective", "effective", basis == "effective"),
            ),
        ),
        Field("from", "From", asked(visit, "from"), "date"),
        Field("to", "To, included", asked(visit, "to"), "date"),
    )


@room(Permission.LEDGER_EXPORT)
def start(visit: Visit) -> HttpResponse:
    """Ask for a file of the ledger as it stands now."""
    post = visit.request.POST
    filters, problem = read_filters(visit, said=post)
    kind = "accounts" if post.get("kind") == "accounts" else "postings"
    form: ExportFormat = next((each for each in EXPORT_FORMATS if each == post.get("format")), "csv")

    def effect() -> str:
        asked_for = ExportFilters(currency=filters.currency) if kind == "accounts" else _narrowed(filters)
        record = start_export(
            kind="accounts" if kind == "accounts" else "postings",
            format=form,
            filters=asked_for,
            actor=visit.actor(),
            now=visit.now,
        )
        return f"The export is asked for as {record.format}; it stands here, and can be downloaded once it is written."

    if problem:
        raise FormIncomplete(problem)
    return act_once(visit, operation="ledger.export", effect=effect, to=f"{visit.base}ledger/exports/")


def _narrowed(filters: PostingFilters) -> ExportFilters:
    return ExportFilters(
        effective_from=filters.effective_from,
        effective_to=filters.effective_to,
        recorded_from=filters.recorded_from,
        recorded_to=filters.recorded_to,
        account_id=filters.account_id,
        currency=filters.currency,
        state=filters.state,
    )


@room(Permission.LEDGER_EXPORT)
def download(visit: Visit, export_id: str) -> HttpResponseBase:
    """The finished file."""
    record = get_export(export_id=export_id)
    file, name = open_export(export_id=export_id)
    still = still_may(visit, Permission.LEDGER_EXPORT)
    return send_file(visit.request, file, name=name, kind=_TYPES[record.format], still=still)


def _line(visit: Visit, record: ExportRecord, names: Names) -> ExportLine:
    given = [
        f"{name.replace('_', ' ')} {value:%Y-%m-%d}" if hasattr(value, "year") else f"{name.replace('_id', '')} {value}"
        for name in ExportFilters.__slots__
        if (value := getattr(record.filters, name)) is not None
    ]
    return ExportLine(
        export_id=record.id,
        kind=record.kind,
        format=record.format,
        words=" · ".join(given) or "everything",
        state=mark(record.state),
        rows=grouped(record.rows_written),
        size=f"{grouped(record.size_bytes)} bytes" if record.size_bytes is not None else NONE,
        sha256=shorten(record.sha256, head=8) if record.sha256 else NONE,
        who=person(record.created_by, names),
        moment=moment(record.created_at, visit.now),
        download_url=f"{visit.base}ledger/exports/{record.id}/file/" if record.state == "done" else "",
        problem=record.problem,
        running=not record.is_finished,
    )
