"""The ledger of a workspace of the test's own."""

import pytest

from tests.ledger.book import Book
from zentra.core.tenancy import TenantRef


@pytest.fixture
def book(workspace: TenantRef) -> Book:
    """The ledger of `workspace`, a sandbox with its chart in USD."""
    return Book(workspace)
