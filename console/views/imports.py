"""Imports: a file of accounts or postings comes in, is tried or written by a worker, and says what it refused."""

import hashlib
import json
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_place
from console.doors import Visit, room
from console.forms import FormIncomplete, act_once
from console.marks import mark
from console.presenters.accounts import Names, person
from console.presenters.words import dated, grouped, moment
from console.readings.ledger import names_of
from console.shell import build_shell
from console.types.files import ImportLine, ImportPage, ImportsPage, RefusedRow
from console.views.ledger import tabs
from ledger.files.types import FileKind, ImportRecord, ImportRefusalRecord
from ledger.operations import cancel_import, start_import
from ledger.queries import get_import, list_imports, list_refusals
from zentra.tenants.permissions import Permission
from zentra.tenants.step_up import require_step_up

PAGE: Final = 30
REFUSALS: Final = 100


@room(Permission.LEDGER_READ)
def show_imports(visit: Visit) -> HttpResponse:
    """Imports, newest first, and the form for another one for those who may."""
    before, here = asked(visit, "before"), f"{visit.base}ledger/imports/"
    found = list_imports(limit=PAGE + 1, before=paging.decode(before))
    shown = found[:PAGE]
    names = names_of(record.created_by for record in shown)
    following = paging.encode((shown[-1].created_at, shown[-1].id)) if len(found) > PAGE else ""
    page = ImportsPage(
        tabs=tabs(visit, "imports"),
        rows=tuple(_line(visit, record, names) for record in shown),
        post_url=f"{here}start/" if visit.may(Permission.LEDGER_IMPORT) else "",
        next_url=paging.link(here, before=following) if following else "",
        first_url=here if before else "",
    )
    return render(visit.request, "console/imports.html", {"shell": build_shell(visit, room="ledger"), "page": page})


@room(Permission.LEDGER_IMPORT)
def start(visit: Visit) -> HttpResponse:
    """Take a file in; a worker does the rest. A dry run writes nothing, hence asks for no code."""
    file = visit.request.FILES.get("file")
    if file is None or file.file is None:
        raise FormIncomplete("Choose a file, CSV or JSONL.")
    content = file.file
    is_dry_run = visit.request.POST.get("do") != "import"
    if not is_dry_run:
        require_step_up(visit.request, visit.now)
    kind: FileKind = "accounts" if visit.request.POST.get("kind") == "accounts" else "postings"
    is_jsonl = (file.name or "").lower().endswith((".jsonl", ".ndjson", ".json"))
    made: list[ImportRecord] = []

    def effect() -> str:
        record = start_import(
            kind=kind,
            format="jsonl" if is_jsonl else "csv",
            is_dry_run=is_dry_run,
            file_name=file.name or "file",
            content=content,
            actor=visit.actor(),
            now=visit.now,
        )
        made.append(record)
        return (
            f"{record.file_name} is taken in: {'nothing is written, only tried' if is_dry_run else 'it is imported'}."
        )

    digest = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    content.seek(0)
    to = f"{visit.base}ledger/imports/"
    answer = act_once(visit, operation="ledger.import", effect=effect, to=to, file_sha256=digest.hexdigest())
    if made:
        answer.headers["Location"] = f"{visit.base}ledger/imports/{made[0].id}/"
    return answer


@room(Permission.LEDGER_READ)
def show_import(visit: Visit, import_id: str) -> HttpResponse:
    """How far an import is, and what it refused."""
    record = get_import(import_id=import_id)
    after = asked(visit, "after")
    refusals = list_refusals(import_id=import_id, limit=REFUSALS + 1, after_row=read_place(after) or 0)
    here = f"{visit.base}ledger/imports/{import_id}/"
    names = names_of([record.created_by])
    may_import = visit.may(Permission.LEDGER_IMPORT)
    page = ImportPage(
        row=_line(visit, record, names),
        facts=(
            ("import", record.id, record.id),
            ("file", record.file_name, ""),
            ("sha-256", record.sha256, record.sha256),
            ("size", f"{grouped(record.size_bytes)} bytes", ""),
            ("by", person(record.created_by, names), ""),
            ("started", f"{dated(record.created_at)} UTC", ""),
            ("finished", f"{dated(record.finished_at)} UTC" if record.finished_at else "—", ""),
        ),
        refusals=tuple(_refused(each) for each in refusals[:REFUSALS]),
        poll_url=here if not record.is_finished else "",
        cancel_url=f"{here}cancel/" if may_import and not record.is_finished else "",
        next_url=paging.link(here, after=refusals[REFUSALS - 1].row_number) if len(refusals) > REFUSALS else "",
        first_url=here if after else "",
        again_url=f"{visit.base}ledger/imports/" if may_import and record.is_finished else "",
    )
    if visit.is_partial:
        return render(visit.request, "console/parts/import_progress.html", {"page": page})
    return render(visit.request, "console/import.html", {"shell": build_shell(visit, room="ledger"), "page": page})


@room(Permission.LEDGER_IMPORT)
def cancel(visit: Visit, import_id: str) -> HttpResponse:
    """Stop after the chunk that is being written."""

    def effect() -> str:
        record = cancel_import(import_id=import_id, now=visit.now)
        return f"{record.file_name} is canceled. What was written before stands."

    return act_once(
        visit, operation="ledger.import.cancel", effect=effect, to=f"{visit.base}ledger/imports/{import_id}/"
    )


def _line(visit: Visit, record: ImportRecord, names: Names) -> ImportLine:
    said = "tried" if record.is_dry_run and record.state == "done" else record.state
    return ImportLine(
        import_id=record.id,
        url=f"{visit.base}ledger/imports/{record.id}/",
        file_name=record.file_name,
        kind=record.kind,
        format=record.format,
        state=mark(record.state, says=said),
        dry=record.is_dry_run,
        percent=record.percent,
        read=grouped(record.rows_read),
        written=grouped(record.rows_written),
        repeated=grouped(record.rows_repeated),
        refused=grouped(record.rows_refused),
        who=person(record.created_by, names),
        moment=moment(record.created_at, visit.now),
        problem=record.problem,
        running=not record.is_finished,
    )


def _refused(refusal: ImportRefusalRecord) -> RefusedRow:
    return RefusedRow(
        row=grouped(refusal.row_number),
        code=refusal.code,
        detail=refusal.detail,
        numbers=" · ".join(f"{name} {_word(value)}" for name, value in refusal.extra.items()),
    )


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_word(each) for each in value)
    return grouped(value) if type(value) is int else value if isinstance(value, str) else json.dumps(value)
