"""The link by which a new person sets the password: signed, good once and for three days, kept nowhere."""

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction

from zentra.core import ids
from zentra.tenants.members.errors import InvitationEnded
from zentra.tenants.models import User
from zentra.tenants.passwords.operations import set_password


def check_invitation(*, user_id: str, token: str) -> str:
    """The address whose password a link would set; raises InvitationEnded."""
    return _invited(user_id, token).email


def accept_invitation(*, user_id: str, token: str, password: str) -> None:
    """Set the first password. The link ends with it; of two who use it at once, one is refused.

    Raises:
        InvitationEnded: used, replaced or too old.
        UnusablePassword: too short, easily guessed, or on a list of leaked ones.
    """
    with transaction.atomic():
        user = _invited(user_id, token, for_update=True)
        set_password(user=user, password=password)


def _invited(user_id: str, token: str, *, for_update: bool = False) -> User:
    people = User.objects.select_for_update() if for_update else User.objects
    try:
        user = people.filter(id=user_id, is_active=True).first()
    except ids.BadId:
        user = None
    if user is None or user.has_usable_password() or not default_token_generator.check_token(user, token):
        raise InvitationEnded
    return user
