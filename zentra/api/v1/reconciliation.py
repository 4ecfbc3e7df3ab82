"""``/reconciliation``: reconciled accounts, files of banks and rails, and the statements and lines in them."""

import tempfile
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from zentra.api.doors import answer_json, answer_once, answer_page, answer_write, caller_of, door, write
from zentra.api.fields import Body, IdempotencyKey, Maybe, Reference
from zentra.api.pagination import DEFAULT_LIMIT, Cursor, Limit, Position
from zentra.api.v1.reconciliation_answers import (
    BankLineAnswer,
    BankLinePage,
    BankStatementDetail,
    BankStatementPage,
    ReconciledAccountAnswer,
    ReconciledAccountList,
    StatementImportAnswer,
    StatementImportPage,
    StatementProblemPage,
    show_account,
    show_import,
    show_line,
    show_problem,
    show_settlement,
    show_statement,
)
from zentra.api.v1.reconciliation_uploads import BODY, read_import
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements.operations import (
    cancel_import,
    open_reconciled_account,
    save_mapping,
    start_import,
)
from zentra.reconciliation.statements.queries import (
    find_settlement,
    get_import,
    get_line,
    get_reconciled_account,
    get_statement,
    list_imports,
    list_lines,
    list_problems,
    list_reconciled_accounts,
    list_statements,
)
from zentra.reconciliation.statements.types import Continuity, ImportState, StatementFormat, StatementRecord
from zentra.tenants.permissions import Permission

router = Router(tags=["Reconciliation"])

READ: Final = Permission.RECONCILIATION_READ
IMPORT: Final = Permission.RECONCILIATION_IMPORT
ACCOUNTS: Final = "/reconciliation/accounts"
IMPORTS: Final = "/reconciliation/imports"
STATEMENTS: Final = "/reconciliation/statements"
_IN_MEMORY_BYTES: Final = 1024 * 1024


def _check_month(value: Any) -> date:
    try:
        return date.fromisoformat(f"{value}-01" if len(str(value)) == len("2026-04") else str(value))
    except ValueError as error:
        raise PydanticCustomError("bad_format", "must be a month such as 2026-04") from error


AccountId = Annotated[str | None, Query(max_length=60, description="Of this reconciled account.")]
Month = Annotated[date, PlainValidator(_check_month), WithJsonSchema({"type": "string"})]
# What is numbered within a file or a statement pages by its number; a cursor has a moment too.
_NO_MOMENT: Final = datetime(2000, 1, 1, tzinfo=UTC)
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]


class OpenAccountBody(Body):
    """Which ledger account, by id or code, and how the bank's or rail's files name it."""

    ledger_account: Reference
    currency: Maybe[Reference] = None
    kind: Literal["bank", "rail"]
    name: Name
    external_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    calendar: Maybe[Annotated[str, Field(max_length=30)]] = None
    settle_days: Maybe[Annotated[int, Field(ge=0, le=60)]] = None
    mapping: Maybe[dict[str, Any]] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class MappingBody(Body):
    """How the columns of the account's CSV files are read; ``docs/reconciliation.md`` has its fields."""

    mapping: dict[str, Any]
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", ACCOUNTS, permission=Permission.ACCOUNTS_MANAGE, response={201: ReconciledAccountAnswer})
def open_account(request: HttpRequest, body: OpenAccountBody) -> HttpResponse:
    """Reconcile a ledger account from now on; every month then has to tie it out."""
    actor = caller_of(request).actor

    def effect(now: datetime) -> dict[str, Any]:
        record = open_reconciled_account(
            ledger_account=body.ledger_account, currency=body.currency, kind=body.kind, name=body.name,
            external_id=body.external_id, calendar="weekdays" if body.calendar is None else body.calendar,
            settle_days=1 if body.settle_days is None else body.settle_days, mapping=body.mapping, actor=actor, now=now,
        )  # fmt: skip
        return show_account(record)

    return answer_once(request, operation="reconciliation.open_account", body=body, effect=effect, status=201)


@door(router, "GET", ACCOUNTS, permission=READ, response=ReconciledAccountList)
def accounts(request: HttpRequest) -> HttpResponse:
    """The accounts that are reconciled, by name."""
    with tenant_work(caller_of(request).tenant):
        found = list_reconciled_accounts(includes_closed=True)
    return answer_json({"data": [show_account(record) for record in found], "next_cursor": None, "has_more": False})


@door(router, "GET", f"{ACCOUNTS}/{{reconciled_account_id}}", permission=READ, response=ReconciledAccountAnswer)
def get_account(request: HttpRequest, reconciled_account_id: str) -> HttpResponse:
    """One reconciled account."""
    with tenant_work(caller_of(request).tenant):
        record = get_reconciled_account(account_id=reconciled_account_id)
    return answer_json(show_account(record))


@door(
    router, "PUT", f"{ACCOUNTS}/{{reconciled_account_id}}/mapping", permission=IMPORT, response=ReconciledAccountAnswer
)
def put_mapping(request: HttpRequest, reconciled_account_id: str, body: MappingBody) -> HttpResponse:
    """Keep how the account's CSV files are read."""

    def effect(_now: datetime) -> dict[str, Any]:
        return show_account(save_mapping(account_id=reconciled_account_id, mapping=body.mapping))

    return answer_once(request, operation="reconciliation.save_mapping", body=body, effect=effect)


@door(
    router, "POST", IMPORTS, permission=IMPORT, rate="heavy", response={202: StatementImportAnswer}, openapi_extra=BODY
)
def start(
    request: HttpRequest,
    format: Annotated[  # noqa: A002  # the column's own name
        StatementFormat | None, Query(description="Needed, here or in the form.")
    ] = None,
    account_id: Annotated[
        str | None, Query(max_length=60, description="Needed but for camt053, which names its accounts.")
    ] = None,
    dry_run: Annotated[bool, Query(description="Make every check, and write nothing.")] = False,
    file_name: Annotated[str, Query(max_length=200)] = "",
) -> HttpResponse:
    """Take a statement file in, as the body itself or in a form; a worker imports it, statement by statement."""
    asked = {"format": format, "account_id": account_id, "dry_run": dry_run, "file_name": file_name}
    actor = caller_of(request).actor
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        words = read_import(request, file, {name: asked[name] for name in asked if name in request.GET})

        def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
            file.seek(0)  # an attempt that was ended for another one's sake has read it
            record = start_import(
                account_id=words.account_id, format=words.format, mapping=words.mapping, is_dry_run=words.dry_run,
                file_name=words.file_name, content=file, actor=actor, now=now,
            )  # fmt: skip
            return 202, show_import(record)

        answer = write(
            request, operation="reconciliation.import", route=f"/v1{IMPORTS}", body=words.said(), effect=effect,
            takes_dry_run=True,
        )  # fmt: skip
    return answer_write(answer)


@door(router, "GET", IMPORTS, permission=READ, response=StatementImportPage)
def imports(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    account_id: AccountId = None,
    status: Annotated[ImportState | None, Query()] = None,
    format: Annotated[StatementFormat | None, Query()] = None,  # noqa: A002  # the column's own name
) -> HttpResponse:
    """Imports, newest first; of an account, those that were sent for it."""
    return answer_page(
        request,
        listing="reconciliation.imports",
        limit=limit,
        cursor=cursor,
        read=lambda rows, before: list_imports(
            limit=rows, before=before, account_id=account_id, state=status, form=format
        ),
        position=lambda record: (record.created_at, record.id),
        show=show_import,
    )


@door(router, "GET", f"{IMPORTS}/{{statement_import_id}}", permission=READ, response=StatementImportAnswer)
def get_one_import(request: HttpRequest, statement_import_id: str) -> HttpResponse:
    """An import and how far it is."""
    with tenant_work(caller_of(request).tenant):
        document = show_import(get_import(import_id=statement_import_id))
    return answer_json(document)


@door(router, "GET", f"{IMPORTS}/{{statement_import_id}}/problems", permission=READ, response=StatementProblemPage)
def problems(
    request: HttpRequest, statement_import_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> HttpResponse:
    """What was wrong in a file, in its order, each with its place, code and numbers."""
    return answer_page(
        request,
        listing=f"reconciliation.problems.{statement_import_id}",
        limit=limit,
        cursor=cursor,
        read=lambda rows, last: list_problems(import_id=statement_import_id, limit=rows, after=_number(last)),
        position=lambda record: (_NO_MOMENT, str(record.number)),
        show=show_problem,
    )


@door(
    router,
    "POST",
    f"{IMPORTS}/{{statement_import_id}}/cancel",
    permission=IMPORT,
    response={200: StatementImportAnswer},
)
def cancel(request: HttpRequest, statement_import_id: str) -> HttpResponse:
    """Stop an import. Complete statements stand; the one that was being written is taken away."""

    def effect(now: datetime) -> dict[str, Any]:
        return show_import(cancel_import(import_id=statement_import_id, now=now))

    return answer_once(request, operation="reconciliation.cancel_import", body={}, effect=effect)


@door(router, "GET", STATEMENTS, permission=READ, response=BankStatementPage)
def statements(
    request: HttpRequest,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    account_id: AccountId = None,
    continuity: Annotated[Continuity | None, Query()] = None,
    month: Annotated[Month | None, Query(description="Statements that end in it: 2026-04, or any day of it.")] = None,
) -> HttpResponse:
    """Complete statements, latest first; with ``continuity=gap`` those that do not go on from the one before."""

    def read(rows: int, before: Position | None) -> list[StatementRecord]:
        last = None if before is None else (before[0].date(), before[1])
        return list_statements(account_id=account_id, month=month, limit=rows, before=last, continuity=continuity)

    return answer_page(
        request,
        listing="reconciliation.statements",
        limit=limit,
        cursor=cursor,
        read=read,
        position=lambda record: (datetime.combine(record.ends_on, time(), UTC), record.id),
        show=show_statement,
    )


@door(router, "GET", f"{STATEMENTS}/{{statement_id}}", permission=READ, response=BankStatementDetail)
def get_one_statement(request: HttpRequest, statement_id: str) -> HttpResponse:
    """One statement, and what became of the payout that a rail's report tells."""
    with tenant_work(caller_of(request).tenant):
        record = get_statement(statement_id=statement_id)
        settlement = find_settlement(statement_id=statement_id)
    told = None if settlement is None else show_settlement(settlement)
    return answer_json(show_statement(record) | {"settlement": told})


@door(router, "GET", f"{STATEMENTS}/{{statement_id}}/lines", permission=READ, response=BankLinePage)
def lines(
    request: HttpRequest,
    statement_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    only: Annotated[Literal["all", "open", "matched"], Query()] = "all",
) -> HttpResponse:
    """Lines of a statement in its order."""
    return answer_page(
        request,
        listing=f"reconciliation.lines.{statement_id}",
        limit=limit,
        cursor=cursor,
        read=lambda rows, last: list_lines(statement_id=statement_id, limit=rows, after=_number(last), only=only),
        position=lambda record: (_NO_MOMENT, str(record.number)),
        show=show_line,
    )


@door(router, "GET", "/reconciliation/lines/{line_id}", permission=READ, response=BankLineAnswer)
def get_one_line(request: HttpRequest, line_id: str) -> HttpResponse:
    """One line."""
    with tenant_work(caller_of(request).tenant):
        record = get_line(line_id=line_id)
    return answer_json(show_line(record))


def _number(last: Position | None) -> int:
    """The number after which a page starts, 0 for the first one."""
    return 0 if last is None else int(last[1])
