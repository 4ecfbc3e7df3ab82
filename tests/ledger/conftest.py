"""The ledger of a workspace of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ledger.book import Book
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def book(workspace: TenantRef) -> Book:
    """The ledger of `workspace`, a sandbox with its chart in USD."""
    # Not above: this file is read before Django is set up when a test is named on the command line.
    from tests.ledger.book import Book

    return Book(workspace)


@pytest.fixture
def a_and_b(book: Book) -> None:
    """The accounts a and b in `book`, for files to move money between; both may be overdrawn."""
    book.open("a")
    book.open("b")


@pytest.fixture
def owner(book: Book) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection, in the workspace's schema."""
    from zentra.core import schema

    connection: psycopg.Connection[Any]
    with schema.connect_as_owner() as connection:
        connection.autocommit = True
        connection.execute(
            psycopg.sql.SQL("SET search_path = {}").format(psycopg.sql.Identifier(book.workspace.schema))
        )
        yield connection
