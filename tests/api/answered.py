"""Holding an answer to the contract, and looking for a secret in everything that a workspace keeps."""

from __future__ import annotations

from typing import Any

from django.db import connection
from pydantic import BaseModel

from zentra.core.tenancy import TenantRef, tenant_work


def assert_shape(document: dict[str, Any], shape: type[BaseModel]) -> dict[str, Any]:
    """The document, which has exactly the fields that the contract names, each of its type."""
    read = shape.model_validate(document, strict=True)
    assert read.model_dump(mode="json", by_alias=True) == document
    return document


def places_of(secret: str, workspace: TenantRef) -> list[str]:
    """The tables of a workspace, and the shared ones, with a row that holds this text in clear, as bytes too."""
    encoded = secret.encode().hex()
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN (%s, 'public')"
            " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')",
            [workspace.schema],
        )
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT EXISTS (SELECT FROM {table} AS t WHERE t::text LIKE %s OR t::text LIKE %s)",
                [f"%{secret}%", f"%{encoded}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found
