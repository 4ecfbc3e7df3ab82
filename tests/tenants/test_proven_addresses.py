"""Whoever invites is not who owns the address: another workspace takes an account in once its address is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from tests.alarms.desk import Post, post_office
from tests.people import enrol, join
from tests.tenants.test_password_reset import LINK
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.mail.operations import deliver_mail
from zentra.tenants.members.errors import AddressNotProven
from zentra.tenants.members.invitations import accept_invitation
from zentra.tenants.members.operations import add_person, remove_member
from zentra.tenants.models import Membership, OutgoingMail, ProvisioningJob, User
from zentra.tenants.operations import create_user
from zentra.tenants.passwords.operations import WORK, ask_for_reset, mail_reset, reset_password
from zentra.tenants.provisioning.operations import request_workspace

if TYPE_CHECKING:
    from tests.people import Person

GOOD = "four unrelated blue horses"
BETTER = "seven purple kettles whistle"


@pytest.fixture(autouse=True)
def _from_none(database: None) -> None:
    cache.clear()
    OutgoingMail.objects.filter(state="waiting").update(state="expired")


@pytest.fixture
def theirs(other_workspace: TenantRef) -> Person:
    """The admin of another workspace."""
    return join(other_workspace, role="admin")


def address() -> str:
    return f"{ids.new_id('usr')}@example.test"


def add(by: Person, email: str) -> Any:
    with tenant_work(by.workspace):
        return add_person(workspace=by.workspace, email=email, role="viewer", actor=by.actor(), now=clock.now())


def invite(by: Person) -> str:
    """Somebody new, whose link the inviter uses themselves: it was shown to them, or it is as if it came by mail."""
    email = address()
    added = add(by, email)
    accept_invitation(user_id=added.member.user_id, token=added.token, password=GOOD, now=clock.now())
    return email


def reset(post: Post, email: str) -> None:
    """Have a link mailed, and use it."""
    from zentra.core.queue.models import WorkItem

    ask_for_reset(email=email, now=clock.now())
    for item in WorkItem.objects.filter(kind=WORK, done_at__isnull=True).order_by("due_at"):
        mail_reset(ref=item.ref, now=clock.now())
        WorkItem.objects.filter(id=item.id).update(done_at=clock.now())
    for mail in OutgoingMail.objects.filter(state="waiting"):
        deliver_mail(mail_id=mail.id, now=clock.now())
    text = next(each for each in reversed(post.mails) if email in each["to"] and LINK.search(each.get_content()))
    user_id, token = LINK.findall(text.get_content())[0]
    reset_password(user_id=user_id, token=token, password=BETTER, now=clock.now())


def test_a_link_that_only_mail_carried_proves_the_address(post: Post, admin: Person, theirs: Person) -> None:
    email = invite(theirs)

    assert User.objects.get(email=email).address_proven_at is not None
    assert add(admin, email).token is None


def test_whoever_was_shown_the_link_is_not_let_into_another_workspace(
    settings: Any, admin: Person, theirs: Person
) -> None:
    email = invite(theirs)
    assert User.objects.get(email=email).address_proven_at is None

    with post_office(settings) as post:
        with pytest.raises(AddressNotProven):
            add(admin, email)
        assert not Membership.objects.filter(workspace_id=admin.workspace.id, user__email=email).exists()
        reset(post, email)
        assert User.objects.get(email=email).address_proven_at is not None
        assert add(admin, email).token is None


def test_a_mailed_password_does_not_prove_an_account_that_has_somebodys_second_factor(
    settings: Any, admin: Person, theirs: Person
) -> None:
    """Whoever set that up would still get in; and who has the mail alone gets no further than before."""
    email = invite(theirs)
    enrol(User.objects.get(email=email))

    with post_office(settings) as post:
        reset(post, email)
        assert User.objects.get(email=email).address_proven_at is None
        with pytest.raises(AddressNotProven):
            add(admin, email)


def test_who_made_the_account_takes_it_back_without_proof(settings: Any, theirs: Person) -> None:
    email = invite(theirs)
    whom = User.objects.get(email=email).id
    with tenant_work(theirs.workspace):
        remove_member(workspace=theirs.workspace, user_id=whom, version=None, actor=theirs.actor(), now=clock.now())

    with post_office(settings):
        assert add(theirs, email).member.user_id == whom


def test_where_no_mail_is_sent_nobody_can_prove_it_and_it_is_not_asked_for(admin: Person, theirs: Person) -> None:
    assert add(admin, invite(theirs)).token is None


def test_a_new_workspace_is_given_to_a_proven_address_only(settings: Any, theirs: Person) -> None:
    shown = invite(theirs)
    vouched = create_user(email=address(), password=GOOD).email
    asked: dict[str, Any] = {"name": "Fine", "mode": "sandbox", "actor": actors.RUNTIME, "now": clock.now()}
    slugs = [f"fine-{ids.new_id('req')[-10:]}" for _ in range(3)]

    with post_office(settings):
        with pytest.raises(AddressNotProven):
            request_workspace(slug=slugs[0], admin_email=shown, **asked)
        for slug, email in zip(slugs[1:], (vouched, address()), strict=True):
            assert request_workspace(slug=slug, admin_email=email, **asked).state == "waiting"

    assert set(ProvisioningJob.objects.filter(slug__in=slugs).values_list("slug", flat=True)) == set(slugs[1:])
    ProvisioningJob.objects.filter(slug__in=slugs).delete()
