"""A workspace whose events go to a real consumer.

What needs Django's settings is imported inside the fixtures: this file is read before the ground names the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.webhooks.servers import hook_url, running_consumer

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.webhooks.work import Subscribed
    from zentra.core.tenancy import TenantRef


@pytest.fixture
def local_webhooks(settings: Settings) -> None:
    """Loopback addresses may be called, as under ``make up``."""
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True


@pytest.fixture
def subscribed(workspace: TenantRef, tmp_path: Path, local_webhooks: None) -> Iterator[Subscribed]:
    """A workspace with one endpoint for everything, and a demo consumer behind it."""
    from tests.webhooks.work import Subscribed, subscribe

    secrets: dict[str, str] = {}
    with running_consumer(tmp_path, secrets=secrets) as consumer:
        created = subscribe(workspace, hook_url(consumer, workspace.slug))
        secrets[workspace.slug] = created.secret
        yield Subscribed(workspace, created, consumer)
