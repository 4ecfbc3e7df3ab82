"""What no keyboard types into an address or a form is refused or passed over, and never an error of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from ledger.queries import list_accounts
from tests.console.test_accounts_room import form, opened
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person


@pytest.mark.parametrize(
    "path",
    ["accounts/?q=%00", "accounts/%00/", "accounts/a%00/statement/", "ledger/?reference=%00", "holds/?source=%00",
     "find/?q=a%00", "ledger/post/?currency=%00"],
)  # fmt: skip
def test_a_nul_in_an_address_is_refused(workspace: TenantRef, finance: Person, path: str) -> None:
    answer = finance.sign_in(Client()).get(f"/w/{workspace.slug}/{path}")
    assert answer.status_code == 400
    assert "holds a NUL character" in answer.content.decode()


def test_a_nul_in_a_form_is_refused_and_nothing_is_written(workspace: TenantRef, finance: Person) -> None:
    with tenant_work(workspace):
        before = list_accounts(limit=100)
    said = form(account_type="customer", currency="USD", code="ada", name="Ada\0")
    assert finance.sign_in(Client()).post(f"/w/{workspace.slug}/accounts/open/", said).status_code == 400
    with tenant_work(workspace):
        assert list_accounts(limit=100) == before


@pytest.mark.parametrize("place", ["²", "-1", "1" * 5000])
def test_a_place_that_is_none_shows_the_first_page(workspace: TenantRef, finance: Person, place: str) -> None:
    opened(workspace, "ada")
    assert finance.sign_in(Client()).get(f"/w/{workspace.slug}/accounts/ada/", {"before": place}).status_code == 200
