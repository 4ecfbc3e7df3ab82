"""Policy in a workspace of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from zentra.core.tenancy import TenantRef

if TYPE_CHECKING:
    from tests.policy.desk import Desk


@pytest.fixture
def desk(workspace: TenantRef) -> Desk:
    """Decisions and reviews of `workspace`, under the rules that every workspace starts with."""
    from tests.policy.desk import Desk

    return Desk(workspace)
