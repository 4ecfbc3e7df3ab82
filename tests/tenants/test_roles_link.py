"""The link of a new person when the roles that wait for them become dangerous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.people import join
from tests.tenants.test_roles import approve, give, inside
from zentra.core.clock import now
from zentra.tenants.members.errors import InvitationEnded
from zentra.tenants.members.invitations import check_invitation
from zentra.tenants.members.operations import add_person
from zentra.tenants.models import OutgoingMail

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.core.tenancy import TenantRef


def test_the_link_to_what_was_harmless_ends_when_the_roles_become_dangerous(
    workspace: TenantRef, admin: Person
) -> None:
    second = join(workspace, role="admin")
    added = inside(workspace, add_person, admin, email=f"new.{workspace.slug}@example.test", role="viewer")
    whom = added.member.user_id
    give(workspace, admin, admin, "support", user_id=whom)
    assert check_invitation(user_id=whom, token=added.token, now=now())  # harmless: the link stands
    mails = OutgoingMail.objects.filter(workspace_id=workspace.id, kind="invitation")
    before = mails.count()

    approve(workspace, second, give(workspace, admin, admin, "finance", user_id=whom).change)

    with pytest.raises(InvitationEnded):
        check_invitation(user_id=whom, token=added.token, now=now())
    assert mails.count() == before + 1
