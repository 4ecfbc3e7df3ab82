"""The runtime in a workspace of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from zentra.core.tenancy import TenantRef

if TYPE_CHECKING:
    # What these import needs Django's settings, which are not there when pytest reads this file.
    from tests.runtime.story import Story


@pytest.fixture
def story(workspace: TenantRef) -> Story:
    """The intents of `workspace`, which has no rail yet."""
    from tests.runtime.story import Story

    return Story(workspace)


@pytest.fixture
def sent(story: Story) -> Iterator[Story]:
    """The same with two rails that accept everything and say no more: tests say what became of it."""
    from tests.webhooks.intents import accepting_rail

    with accepting_rail(story.ws):
        yield story
