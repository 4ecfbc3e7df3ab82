"""One workspace with one person of each role, shared by the tests of a file that only look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from tests.api.conftest import api_url  # the API over real HTTP
from zentra.core.tenancy import TenantRef

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

    from tests.people import Person

__all__ = ["api_url"]


@dataclass(frozen=True)
class Place:
    """A workspace and who is there."""

    workspace: TenantRef
    admin: Person
    operator: Person
    key: str

    @property
    def base(self) -> str:
        """`/w/<slug>/`."""
        return f"/w/{self.workspace.slug}/"

    def client(self, *, csrf: bool = False) -> Client:
        """A browser of the admin's, signed in; with `csrf` it is held to the token as a real one is."""
        return self.admin.sign_in(Client(enforce_csrf_checks=csrf, raise_request_exception=False))


@pytest.fixture(scope="module")
def place(migrated: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Place]:
    """The workspace of a file."""
    from tests.people import join
    from tests.workspaces import create, drop, issue_token

    with django_db_blocker.unblock():
        workspace = create(slug=None, mode="sandbox", ledger_currency="USD")
        admin, operator = join(workspace, role="admin", totp=True), join(workspace, role="operator")
        yield Place(workspace, admin, operator, issue_token(workspace))
        drop(workspace)
