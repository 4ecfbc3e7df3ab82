"""The one switch between tenants: requests, tasks, sockets and commands all go through ``tenant_work``.

Why a transaction: the search path is set with ``SET LOCAL``, which PostgreSQL itself ends with the transaction. A
connection that goes back to the pool is therefore always in ``public``, where no tenant table exists, and a tenant
query outside ``tenant_work`` fails (undefined table) instead of answering with somebody's rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import structlog
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from zentra.core.db.hot import HotCursor, batched, defer_hot
from zentra.core.errors import DomainError

log = structlog.get_logger(__name__)
Mode = Literal["sandbox", "live"]
PLATFORM_SCHEMA = "platform"

Resolver = Callable[[UUID], "TenantRef | None"]
Lister = Callable[[], "list[TenantRef]"]


@dataclass(frozen=True, slots=True)
class TenantRef:
    """What work inside a workspace needs to know of it. None of it ever changes for an id, so it may be cached."""

    id: UUID
    slug: str
    schema: str
    mode: Mode
    ledger_currency: str = "USD"


class TenantError(DomainError):
    """The tenant boundary would have been crossed; nothing was read."""

    code = "tenant_boundary"
    status = 500
    title = "The tenant boundary was not certain"


class NoTenant(TenantError):
    """Tenant work was asked for outside a workspace."""

    code = "no_tenant"


class WrongSchema(TenantError):
    """PostgreSQL did not enter the schema that was asked for; it may not exist."""

    code = "wrong_schema"


@dataclass(frozen=True, slots=True)
class _Work:
    """A workspace that was entered, and the connection whose transaction it was entered on."""

    ref: TenantRef
    connection: BaseDatabaseWrapper


_current: ContextVar[_Work | None] = ContextVar("zentra_tenant", default=None)
_statement_ms: ContextVar[int] = ContextVar("zentra_statement_ms", default=0)
_resolver: Resolver | None = None
_lister: Lister | None = None
_keeper: Lister | None = None
_known: dict[UUID, TenantRef] = {}


def register_resolver(resolver: Resolver) -> None:
    """Tell how a workspace id becomes a TenantRef; ``zentra.tenants`` does, which stands above this module."""
    global _resolver
    _resolver = resolver


def resolve(workspace_id: UUID) -> TenantRef:
    """The workspace of an id; raises NoTenant when there is none."""
    known = _known.get(workspace_id)
    if known is not None:
        return known
    found = _resolver(workspace_id) if _resolver else None
    if found is None:
        raise NoTenant(f"There is no workspace {workspace_id}.")
    _known[workspace_id] = found
    return found


def register_lister(lister: Lister, *, kept: Lister) -> None:
    """Tell how the workspaces are listed in which work goes on, and those whose logs are kept."""
    global _lister, _keeper
    _lister, _keeper = lister, kept


def list_active() -> list[TenantRef]:
    """Every workspace in which periodic work goes on: suspended ones too, so that no money hangs."""
    return _lister() if _lister else []


def list_kept() -> list[TenantRef]:
    """Every workspace whose log is kept: those in which work goes on, and archived ones."""
    return _keeper() if _keeper else []


def forget(workspace_id: UUID) -> None:
    """Drop what is remembered of a workspace that was deleted."""
    _known.pop(workspace_id, None)


def current_tenant() -> TenantRef:
    """The workspace of this unit of work; raises NoTenant."""
    tenant = _entered()
    if tenant is None:
        raise NoTenant("This work belongs to a workspace, and none was entered.")
    return tenant


def in_tenant() -> bool:
    """Whether this unit of work is inside a workspace."""
    return _entered() is not None


def _entered() -> TenantRef | None:
    """The workspace that this thread's own connection is in.

    ``sync_to_async`` and ``asyncio`` copy the context to other threads, whose connections rest in ``public``.
    """
    work = _current.get()
    return work.ref if work is not None and work.connection is connections[DEFAULT_DB_ALIAS] else None


@contextmanager
def limited_statements(milliseconds: int) -> Iterator[None]:
    """End each statement of the tenant work inside that takes longer; its transaction ends with it. 0: no limit.

    PostgreSQL ends it itself (``statement_timeout``), whatever became of whoever asked.
    """
    token = _statement_ms.set(milliseconds)
    try:
        yield
    finally:
        _statement_ms.reset(token)


@contextmanager
def tenant_work(tenant: TenantRef | UUID) -> Iterator[TenantRef]:
    """Do work inside one workspace and one transaction.

    Entering the same workspace again joins its transaction; entering another one from inside is refused. What a
    refusal ``leaves`` is done in a transaction of its own, after the one that it ended.
    """
    ref = tenant if isinstance(tenant, TenantRef) else resolve(tenant)
    around = _current.get()
    if around is not None and around.ref.id != ref.id:
        raise TenantError(f"Work in {around.ref.slug} may not enter {ref.slug}.")
    inside = _entered()
    if inside is not None:
        yield inside
        return
    joined = connection.in_atomic_block
    try:
        with transaction.atomic(), batched():
            _switch_schema(ref.schema)
            token = _current.set(_Work(ref, connections[DEFAULT_DB_ALIAS]))
            try:
                yield ref
            finally:
                _current.reset(token)
            if joined:
                # SET LOCAL would outlive us in a transaction that somebody else opened in public.
                _leave_schema()
    except DomainError as refusal:
        if refusal.leaves is not None and not joined:
            _keep_of(refusal, ref)
        raise


def _keep_of(refusal: DomainError, ref: TenantRef) -> None:
    """Keep what a refusal leaves; the refusal stands whether or not that succeeds."""
    keep, refusal.leaves = refusal.leaves, None
    try:
        with tenant_work(ref):
            if keep is not None:
                keep()
    except Exception:
        log.exception("refusal.not_kept", code=refusal.code, workspace=ref.slug)


def _switch_schema(schema: str) -> None:
    """Enter a schema until the transaction ends, and make sure of it; raises WrongSchema with the first answer.

    PostgreSQL skips a missing schema silently and would answer from ``public``, so its existence is asked for too. An
    error here ends the transaction, so that no later statement can run on an old path.
    """
    quoted, limit = f'"{schema}"', _statement_ms.get()

    def verify(answer: HotCursor) -> None:
        row = answer.fetchone()
        if row is None or not row[1]:
            raise WrongSchema(f"The schema {schema!r} does not exist.")

    if limit:
        statement, values = _ENTER_LIMITED, [f"{quoted}, public", quoted, str(limit)]
    else:
        statement, values = _ENTER, [f"{quoted}, public", quoted]
    defer_hot(statement, values, verify)


_ENTER = "SELECT set_config('search_path', %s, true), to_regnamespace(%s) IS NOT NULL"
_ENTER_LIMITED = f"{_ENTER}, set_config('statement_timeout', %s, true)"


def _leave_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = public")
        if _statement_ms.get():
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
