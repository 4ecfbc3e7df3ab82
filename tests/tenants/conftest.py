"""What tests of people share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.alarms.desk import Post


@pytest.fixture
def post(settings: Any, database: None) -> Iterator[Post]:
    """A mail server on this machine."""
    from tests.alarms.desk import post_office  # pytest reads this file before there are settings

    with post_office(settings) as running:
        yield running
