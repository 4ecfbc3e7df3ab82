"""A workspace in front of all of Zentra's processes, with rails that know where its callbacks go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from tests.e2e.desks import Desk
    from zentra.core.tenancy import TenantRef
    from zentra.embedded.served import ServedZentra

OpenDesk = Callable[["TenantRef"], "Desk"]


@pytest.fixture
def open_desk(served: ServedZentra) -> Iterator[OpenDesk]:
    """`open_desk(workspace)`: its key, its connected rails, its books."""
    from django.conf import settings

    from tests.e2e.books import Books, Simulators
    from tests.e2e.desks import Desk
    from tests.workspaces import issue_token
    from zentra.core.clock import now
    from zentra.core.tenancy import tenant_work
    from zentra.routing.operations import connect_sandbox_rails
    from zentra.routing.providers.sandbox import register
    from zentra.routing.queries import list_registrations

    opened: list[httpx.Client] = []
    rails = f"http://127.0.0.1:{served.ports.rails}"

    def open_(workspace: TenantRef) -> Desk:
        with tenant_work(workspace):
            connect_sandbox_rails(ws=workspace, sandbox_url=rails, now=now())
            registrations = list_registrations(callback_base_url=served.base_url)
        register(registrations)
        token = issue_token(workspace)
        limits = httpx.Limits(max_connections=64)
        headers = {"Authorization": f"Bearer {token}"}
        opened.append(httpx.Client(base_url=served.api_url, headers=headers, timeout=60, limits=limits))
        books = Books(settings.ZENTRA_OWNER_DATABASE_URL, workspace.schema)
        return Desk(workspace.slug, served.base_url, token, opened[-1], books, Simulators(rails))

    yield open_
    for client in opened:
        client.close()


@pytest.fixture
def desk(open_desk: OpenDesk, workspace: TenantRef) -> Desk:
    """The desk of `workspace`."""
    return open_desk(workspace)
