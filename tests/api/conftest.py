"""The API over real HTTP: our WSGI application behind a threaded server of the standard library, and its client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from zentra.core.tenancy import TenantRef
from zentra.sdk import Zentra


@pytest.fixture(scope="session")
def api_url(migrated: str) -> Iterator[str]:
    """Where the API answers; its path ends in /v1."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from zentra.wsgi import application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    ThreadedWSGIServer.request_queue_size = 128
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(api_url: str, database: None) -> Iterator[Callable[..., httpx.Client]]:
    """`connect(token, **headers)`: an HTTP client that sends this key."""
    opened: list[httpx.Client] = []

    def client(token: str | None, **headers: str) -> httpx.Client:
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            own["Authorization"] = f"Bearer {token}"
        limits = httpx.Limits(max_connections=64)
        opened.append(httpx.Client(base_url=api_url, headers=own, timeout=30, limits=limits))
        return opened[-1]

    yield client
    for each in opened:
        each.close()


@pytest.fixture
def http(connect: Callable[..., httpx.Client], api_key: str) -> httpx.Client:
    """A client of `workspace` with every scope."""
    return connect(api_key)


@pytest.fixture
def zentra(api_url: str, api_key: str) -> Iterator[Zentra]:
    """The SDK, over the same HTTP."""
    with Zentra(api_key=api_key, base_url=api_url, retries=2) as client:
        yield client


@pytest.fixture
def writes(workspace: TenantRef) -> Writes:
    """What `workspace` holds, to assert what was written and that nothing was."""
    return Writes(workspace)


@pytest.fixture
def platform_writes(database: None) -> Writes:
    """The same for the schema of events without a workspace."""
    from zentra.tenants.queries import platform_ref

    return Writes(platform_ref())
