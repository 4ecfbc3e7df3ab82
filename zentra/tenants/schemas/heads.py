"""Which schemas there are and which are behind, in two statements however many there are."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from psycopg import sql

from zentra.core import schema
from zentra.core.schema import Owner
from zentra.tenants.queries import head_migrations

_AT_ONCE: Final = 250
"""Schemas that one statement looks into: each is a table of its own to lock and plan."""

# Public and the template first, since everything else is made from them.
_NAMES: Final = """
    SELECT n.name, to_regnamespace(quote_ident(n.name)) IS NOT NULL,
           to_regclass(quote_ident(n.name) || '.django_migrations') IS NOT NULL,
           obj_description(to_regnamespace(quote_ident(n.name)), 'pg_namespace')
      FROM (SELECT 'public' AS name, 0 AS place UNION ALL SELECT %s, 1
            UNION ALL SELECT schema_name, 2 FROM public.tenants_workspace WHERE state <> 'deleted') n
     ORDER BY n.place, n.name
"""
_FIRST: Final = """
    SELECT n.name, to_regnamespace(quote_ident(n.name)) IS NOT NULL,
           to_regclass(quote_ident(n.name) || '.django_migrations') IS NOT NULL,
           obj_description(to_regnamespace(quote_ident(n.name)), 'pg_namespace')
      FROM (SELECT 'public' AS name, 0 AS place UNION ALL SELECT %s, 1) n ORDER BY n.place
"""
_ONE: Final = sql.SQL(
    "SELECT {name}, count(*) FROM {schema}.django_migrations m JOIN {head} h ON h.app = m.app AND h.name = m.name"
)
Fetch = Callable[[str, Sequence[Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A schema as it stands. ``is_sql_current``: its functions, triggers and grants are those of the files."""

    name: str
    exists: bool
    is_at_head: bool
    is_sql_current: bool

    @property
    def is_behind(self) -> bool:
        """Whether anything is to be done."""
        return not (self.exists and self.is_at_head and self.is_sql_current)


def list_states(owner: Owner, *, only: str = "") -> list[SchemaState]:
    """Every schema that there is or has to be: public, the template, then the workspaces by name; or one of them."""

    def fetch(statement: str, values: Sequence[Any]) -> list[Any]:
        return owner.execute(statement.encode(), values).fetchall()

    row = owner.execute("SELECT to_regclass('public.tenants_workspace') IS NOT NULL").fetchone()
    return list(_states(fetch, _NAMES if row and row[0] else _FIRST, only))


def schemas_behind() -> list[str]:
    """The schemas that lack a newest migration; empty when all are at the head."""

    def fetch(statement: str, values: Sequence[Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    states = _states(fetch, _NAMES)
    return [each.name for each in states if not each.is_at_head and each.name != schema.TEMPLATE_SCHEMA]


def _states(fetch: Fetch, names: str, only: str = "") -> Iterator[SchemaState]:
    found = [row for row in fetch(names, [schema.TEMPLATE_SCHEMA]) if only in ("", row[0])]
    applied = _applied(fetch, [name for name, _, is_migrated, _ in found if is_migrated])
    for name, exists, _, comment in found:
        heads = head_migrations(public=name == schema.PUBLIC)
        yield SchemaState(name, exists, applied.get(name, -1) == len(heads), comment == schema.sql_digest(name))


def _applied(fetch: Fetch, names: list[str]) -> dict[str, int]:
    """How many of its newest migrations each schema has."""
    heads = {public: sorted(head_migrations(public=public)) for public in (True, False)}
    values = [list(column) for public in (True, False) for column in _columns(heads[public])]
    counts: dict[str, int] = {}
    for start in range(0, len(names), _AT_ONCE):
        parts = (_part(name) for name in names[start : start + _AT_ONCE])
        counts.update(fetch(_WITH + " UNION ALL ".join(parts), values))
    return counts


_WITH: Final = """
    WITH public_head AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[]) AS h (app, name)),
         tenant_head AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[]) AS h (app, name))
"""


def _columns(heads: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    pairs = list(heads)
    return [app for app, _ in pairs], [name for _, name in pairs]


def _part(name: str) -> str:
    head = sql.SQL("public_head" if name == schema.PUBLIC else "tenant_head")
    part = _ONE.format(name=sql.Literal(name), schema=sql.Identifier(name), head=head)
    return part.as_string(None).replace("%", "%%")
