"""A workspace on a durable server of its own, with accounts to post to and tables to compare with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg

from bench.clients import DurableGround
from zentra.embedded.programs import Ports

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

ACCOUNTS: Final = 100
UNCHECKED_TABLES: Final = (
    "idempotency_key",
    "ledger_posting",
    "ledger_entry",
    "ledger_entry_unsequenced",
    "evidence_event",
    "evidence_unsealed",
)


@contextmanager
def bench_workspace(database: str) -> "Iterator[TenantRef]":
    """Start a server, make a workspace in it, stop and delete it. Once per process: Django reads its settings once."""
    ground = DurableGround.create()
    try:
        os.environ.update(ground.environment(database=database, redis_database=0, ports=Ports.any_free()))
        ground.start()
        ground.create_database(database)
        yield make_workspace("bench")
    finally:
        ground.stop()


def connect(schema: str, *, as_owner: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    """A plain connection whose statements are prepared at once."""
    url = os.environ["ZENTRA_OWNER_DATABASE_URL" if as_owner else "ZENTRA_DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, prepare_threshold=0, options=f"-c search_path={schema}")


def leave_connections() -> None:
    """Clients are forked: connections, and the pool that hands them out, must be their own."""
    from django.db import connections

    connections.close_all()
    connections["default"].close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend


def make_workspace(slug: str) -> "TenantRef":
    """A workspace with accounts: ``d0``… are deferred, ``i0``… immediate, with a floor that they never reach."""
    import django

    django.setup()
    from ledger.operations import open_account
    from zentra.core import actors, clock
    from zentra.core.money import MAX_AMOUNT_MINOR
    from zentra.core.tenancy import tenant_work
    from zentra.tenants.operations import create_workspace

    made = create_workspace(slug=slug, name=slug, mode="sandbox", ledger_currency="USD", now=clock.now())
    with tenant_work(made) as workspace:
        for number in range(ACCOUNTS + 1):  # one more, which only pgbench credits
            for code, floor in ((f"d{number}", None), (f"i{number}", -MAX_AMOUNT_MINOR)):
                open_account(
                    code=code,
                    account_type="customer",
                    currency="USD",
                    floor_minor=floor,
                    actor=actors.LEDGER,
                    now=clock.now(),
                )
    _make_unchecked_tables(workspace.schema)
    leave_connections()
    return workspace


def _make_unchecked_tables(schema: str) -> None:
    """Copies of the tables with their indexes, without triggers and constraints: nothing is checked."""
    from django.conf import settings
    from psycopg import sql

    app = sql.Identifier(settings.ZENTRA_APP_ROLE)
    with connect(schema, as_owner=True) as owner:
        owner.execute("CREATE TABLE bench_single (id uuid PRIMARY KEY, number bigint NOT NULL)")
        for table in UNCHECKED_TABLES:
            copy, original = sql.Identifier(f"bench_{table}"), sql.Identifier(table)
            owner.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING INDEXES)").format(copy, original)
            )
        for table in ("single", *UNCHECKED_TABLES):
            owner.execute(sql.SQL("GRANT SELECT, INSERT ON {} TO {}").format(sql.Identifier(f"bench_{table}"), app))
