"""Everything that is in the database, in a form that tells when anything of it changed."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from zentra.core.tenancy import TenantRef

# Where a visit leaves its traces: who is signed in, and when a member was seen last.
VISITS = ("public.django_session", "public.tenants_sign_in_session", "public.tenants_known_device")
RECORDS = ("evidence_event", "evidence_unsealed")
_HASH = """SELECT '{schema}.{table}', md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), ''))
             FROM "{schema}"."{table}" t"""


def fingerprints(workspaces: Iterable[TenantRef], *, without: tuple[str, ...] = VISITS) -> dict[str, str]:
    """Each table of ``public`` and of these workspaces, and a hash over all its rows; one statement each schema.

    The tables of recorded events are left out: ``access.denied`` is the one thing that a refusal leaves.
    """
    found: dict[str, str] = {}
    for schema in ("public", *(each.schema for each in workspaces)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p')"
                " AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1",
                [f'"{schema}"'],
            )
            tables = [name for (name,) in cursor.fetchall() if name not in RECORDS]
            tables = [name for name in tables if f"{schema}.{name}" not in without]
            cursor.execute(" UNION ALL ".join(_HASH.format(schema=schema, table=table) for table in tables))
            found.update(cursor.fetchall())
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables whose rows are not what they were."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
