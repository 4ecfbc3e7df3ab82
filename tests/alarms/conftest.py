"""A mail server, and endpoints on this machine. What needs Django's settings is imported inside the fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.alarms.desk import Post


@pytest.fixture
def post(settings: Settings) -> Iterator[Post]:
    """A running mail server that Zentra sends by."""
    from tests.alarms.desk import post_office

    with post_office(settings) as office:
        yield office


@pytest.fixture
def local_webhooks(settings: Settings) -> None:
    """Loopback addresses may be called, as under ``make up``."""
    settings.ZENTRA_ALLOW_LOCAL_WEBHOOKS = True
