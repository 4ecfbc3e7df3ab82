"""Two workspaces for a whole file, and the refusals that these tests count unbounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.isolation.visitors import Visitor
    from zentra.core.tenancy import TenantRef


@pytest.fixture(scope="module")
def grounds(migrated: str, django_db_blocker: Any) -> Iterator[tuple[TenantRef, TenantRef]]:
    """Two workspaces of this file: ours and theirs."""
    from tests.workspaces import create, drop

    with django_db_blocker.unblock():
        ours, theirs = (create(slug=None, mode="sandbox", ledger_currency="USD") for _ in range(2))
        yield ours, theirs
        drop(ours)
        drop(theirs)


@pytest.fixture(scope="module")
def visitors(grounds: tuple[TenantRef, TenantRef]) -> list[Visitor]:
    """One person of each kind, signed in."""
    from tests.isolation.visitors import make_visitors

    return make_visitors(*grounds)


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every denial is recorded, however many there are, and no request is one too many."""
    from zentra.api import limits
    from zentra.tenants.denials import budgets

    monkeypatch.setattr(budgets, "admit", lambda **_: 0)
    monkeypatch.setattr(limits, "admit", lambda *_: None)
    monkeypatch.setattr(limits, "check_address", lambda *_: None)
