"""Screening in a workspace of the test's own, with lists that the test writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from zentra.core.tenancy import TenantRef

if TYPE_CHECKING:
    from tests.screening.bureau import Bureau, Lists
    from tests.screening.shelf import Shelf


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Lists:
    """Watchlists that hold what the test puts there."""
    from policy.screening import matches
    from tests.screening.bureau import Lists

    lists = Lists()
    monkeypatch.setattr(matches, "find_matches", lists.find)
    return lists


@pytest.fixture
def bureau(workspace: TenantRef, lists: Lists) -> Bureau:
    """Screening of `workspace`."""
    from tests.screening.bureau import Bureau

    return Bureau(workspace, lists)


@pytest.fixture
def shelf(workspace: TenantRef) -> Shelf:
    """The watchlists of `workspace`."""
    from tests.screening.shelf import Shelf

    return Shelf(workspace)
