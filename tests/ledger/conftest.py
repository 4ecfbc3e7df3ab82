"""The ledger of a workspace of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ledger.book import Book
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def book(workspace: TenantRef) -> Book:
    """The ledger of `workspace`, a sandbox with its chart in USD."""
    # Not above: this file is read before Django is set up when a test is named on the command line.
    from tests.ledger.book import Book

    return Book(workspace)
