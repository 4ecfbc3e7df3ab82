"""``/ledger-imports`` and ``/ledger-exports``: the ledger as files. Both are asked for here and done by a worker."""

import tempfile
from dataclasses import asdict
from datetime import datetime
from typing import IO, Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router

from ledger.files.errors import ImportTooLarge
from ledger.files.types import ExportFilters, ExportRecord, ImportFormat, ImportRecord, ImportRefusalRecord
from ledger.operations import cancel_import, start_export, start_import
from ledger.queries import get_export, get_import, list_exports, list_imports, list_refusals, open_export
from zentra.api.doors import answer_json, answer_page, answer_write, caller_of, door, words_of, write
from zentra.api.downloads import answer_file
from zentra.api.fields import Body, IdempotencyKey, Maybe, Moment, Reference
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit
from zentra.api.parser import LARGEST_IMPORT, UnsupportedContentType
from zentra.api.uploads import take_in
from zentra.api.v1.file_answers import ExportAnswer, ExportPage, ImportAnswer, ImportPage, ImportRefusalPage
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Files"])

IMPORTS: Final = "/v1/ledger-imports"
EXPORTS: Final = "/v1/ledger-exports"
_FORMATS: Final[dict[str, ImportFormat]] = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
_CONTENT_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "beancount": "text/plain; charset=utf-8",
}
_IN_MEMORY_BYTES: Final = 1024 * 1024
_TEXT: Final = {"schema": {"type": "string"}}
_BODY: Final = {"requestBody": {"required": True, "content": {"text/csv": _TEXT, "application/x-ndjson": _TEXT}}}
_DOWNLOAD: Final = {"responses": {200: {"description": "The file.", "content": {"text/csv": _TEXT}}}}


class StartExportBody(Body):
    """What a file holds: kind, format and what narrows it; from is included, to is not."""

    kind: Literal["accounts", "postings"]
    format: Literal["csv", "jsonl", "beancount"]
    account: Maybe[Reference] = None
    currency: Maybe[Reference] = None
    state: Maybe[Literal["posted", "pending", "released"]] = None
    effective_from: Maybe[Moment] = None
    effective_to: Maybe[Moment] = None
    recorded_from: Maybe[Moment] = None
    recorded_to: Maybe[Moment] = None
    idempotency_key: Maybe[IdempotencyKey] = None


@door(
    router,
    "POST",
    "/ledger-imports",
    permission=Permission.LEDGER_IMPORT,
    rate="heavy",
    response={202: ImportAnswer},
    openapi_extra=_BODY,
)
def start(
    request: HttpRequest,
    kind: Annotated[Literal["accounts", "postings"], Query()],
    dry_run: Annotated[bool, Query(description="Check every row, and write none.")] = False,
    file_name: Annotated[str, Query(max_length=200)] = "",
) -> HttpResponse:
    """Take a CSV or JSON-lines file in, sent as the body itself; a worker imports it row by row."""
    form = _format_of(request)
    actor = caller_of(request).actor
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        sha256 = _take_in(request, file)

        def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
            file.seek(0)  # an attempt that was ended for another one's sake has read it
            record = start_import(
                kind=kind, format=form, is_dry_run=dry_run, file_name=file_name, content=file, actor=actor, now=now
            )
            return 202, _show_import(record)

        said = {"kind": kind, "format": form, "dry_run": dry_run, "file_name": file_name, "sha256": sha256}
        answer = write(
            request, operation="ledger_imports.start", route=IMPORTS, body=said, effect=effect, takes_dry_run=True
        )
    return answer_write(answer)


def _format_of(request: HttpRequest) -> ImportFormat:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in _FORMATS:
        raise UnsupportedContentType(f"The content type is {media_type[:80]!r}; send text/csv or application/x-ndjson.")
    return _FORMATS[media_type]


def _take_in(request: HttpRequest, file: IO[bytes]) -> str:
    """The body as a file; raises ImportTooLarge, BodyIncomplete."""
    return take_in(request, file, too_large=lambda detail: ImportTooLarge(detail, most_bytes=LARGEST_IMPORT))


@door(router, "GET", "/ledger-imports", permission=Permission.LEDGER_READ, response=ImportPage)
def list_of_imports(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Imports, newest first."""
    return answer_page(
        request,
        listing="ledger-imports",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: list_imports(limit=rows, before=before),
        position=lambda record: (record.created_at, record.id),
        show=_show_import,
    )


@door(router, "GET", "/ledger-imports/{import_id}", permission=Permission.LEDGER_READ, response=ImportAnswer)
def get_one_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """An import and how far it is."""
    with tenant_work(caller_of(request).tenant):
        document = _show_import(get_import(import_id=import_id))
    return answer_json(document)


@door(
    router,
    "GET",
    "/ledger-imports/{import_id}/refusals",
    permission=Permission.LEDGER_READ,
    response=ImportRefusalPage,
)
def refusals(
    request: HttpRequest,
    import_id: str,
    limit: Limit = DEFAULT_LIMIT,
    after_row: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> HttpResponse:
    """The refused rows of an import in the order of the file, each with its code."""
    with tenant_work(caller_of(request).tenant):
        found = list_refusals(import_id=import_id, limit=limit + 1, after_row=after_row)
    shown, has_more = found[:limit], len(found) > limit
    document = {
        "data": [_show_refusal(refusal) for refusal in shown],
        "next_after_row": shown[-1].row_number if has_more else None,
        "has_more": has_more,
    }
    return answer_json(document)


@door(
    router,
    "POST",
    "/ledger-imports/{import_id}/cancel",
    permission=Permission.LEDGER_IMPORT,
    response={200: ImportAnswer},
)
def cancel(request: HttpRequest, import_id: str) -> HttpResponse:
    """Stop an import after the rows that are being written; what was written stands."""

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        return 200, _show_import(cancel_import(import_id=import_id, now=now))

    route = f"{IMPORTS}/{import_id}/cancel"
    return answer_write(write(request, operation="ledger_imports.cancel", route=route, body={}, effect=effect))


@door(
    router,
    "POST",
    "/ledger-exports",
    permission=Permission.LEDGER_EXPORT,
    rate="heavy",
    response={202: ExportAnswer},
)
def start_one_export(request: HttpRequest, body: StartExportBody) -> HttpResponse:
    """Ask for a file of the ledger as it stands now; a worker writes it."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        filters = ExportFilters(
            effective_from=body.effective_from,
            effective_to=body.effective_to,
            recorded_from=body.recorded_from,
            recorded_to=body.recorded_to,
            account_id=body.account,
            currency=body.currency,
            state=body.state,
        )
        record = start_export(kind=body.kind, format=body.format, filters=filters, actor=actor, now=now)
        return 202, _show_export(record)

    answer = write(request, operation="ledger_exports.start", route=EXPORTS, body=words_of(body), effect=effect)
    return answer_write(answer)


@door(router, "GET", "/ledger-exports", permission=Permission.LEDGER_READ, response=ExportPage)
def list_of_exports(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HttpResponse:
    """Exports, newest first."""
    return answer_page(
        request,
        listing="ledger-exports",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: list_exports(limit=rows, before=before),
        position=lambda record: (record.created_at, record.id),
        show=_show_export,
    )


@door(router, "GET", "/ledger-exports/{export_id}", permission=Permission.LEDGER_READ, response=ExportAnswer)
def get_one_export(request: HttpRequest, export_id: str) -> HttpResponse:
    """An export and how far it is."""
    with tenant_work(caller_of(request).tenant):
        document = _show_export(get_export(export_id=export_id))
    return answer_json(document)


@door(
    router,
    "GET",
    "/ledger-exports/{export_id}/file",
    permission=Permission.LEDGER_EXPORT,
    rate="heavy",
    response=None,
    openapi_extra=_DOWNLOAD,
)
def get_file(request: HttpRequest, export_id: str) -> HttpResponseBase:
    """The finished file, piece by piece; before it is finished 409 ``export_not_ready``."""
    with tenant_work(caller_of(request).tenant):
        record = get_export(export_id=export_id)
        file, name = open_export(export_id=export_id)
    return answer_file(request, file, name=name, content_type=_CONTENT_TYPES[record.format], size=record.size_bytes)


def _show_import(record: ImportRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "object": "ledger_import",
        "kind": record.kind,
        "format": record.format,
        "dry_run": record.is_dry_run,
        "status": record.state,
        "file_name": record.file_name,
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "read_bytes": record.read_bytes,
        "percent": record.percent,
        "rows_read": record.rows_read,
        "rows_written": record.rows_written,
        "rows_repeated": record.rows_repeated,
        "rows_refused": record.rows_refused,
        "problem": record.problem,
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
        "finished_at": None if record.finished_at is None else clock.iso(record.finished_at),
    }


def _show_refusal(refusal: ImportRefusalRecord) -> dict[str, Any]:
    return {
        "row_number": refusal.row_number,
        "code": refusal.code,
        "detail": refusal.detail,
        "numbers": refusal.extra,
    }


def _show_export(record: ExportRecord) -> dict[str, Any]:
    filters = {
        name: clock.iso(value) if isinstance(value, datetime) else value
        for name, value in asdict(record.filters).items()
        if value is not None
    }
    return {
        "id": record.id,
        "object": "ledger_export",
        "kind": record.kind,
        "format": record.format,
        "filters": filters,
        "status": record.state,
        "file_name": record.file_name,
        "rows_total": record.rows_total,
        "rows_written": record.rows_written,
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "problem": record.problem,
        "created_at": clock.iso(record.created_at),
        "finished_at": None if record.finished_at is None else clock.iso(record.finished_at),
        "links": {"file": f"{EXPORTS}/{record.id}/file"},
    }
