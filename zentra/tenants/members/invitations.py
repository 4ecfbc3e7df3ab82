"""The link by which a new person sets the password: signed, good once and for three days, kept nowhere."""

from typing import Final

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction

from zentra.core import ids
from zentra.tenants.members.errors import InvitationEnded, UnusablePassword
from zentra.tenants.models import User

MAX_PASSWORD: Final = 200


def check_invitation(*, user_id: str, token: str) -> str:
    """The address whose password a link would set; raises InvitationEnded."""
    return _invited(user_id, token).email


def accept_invitation(*, user_id: str, token: str, password: str) -> None:
    """Set the first password. The link ends with it; of two who use it at once, one is refused.

    Raises:
        InvitationEnded: used, replaced or too old.
        UnusablePassword: too short (12), too common, or like the address.
    """
    with transaction.atomic():
        user = _invited(user_id, token, for_update=True)
        try:
            validate_password(password[: MAX_PASSWORD + 1], user)
        except ValidationError as error:
            raise UnusablePassword(" ".join(error.messages)) from error
        if len(password) > MAX_PASSWORD:
            raise UnusablePassword(f"At most {MAX_PASSWORD} characters.")
        user.set_password(password)
        user.save(update_fields=["password"])


def _invited(user_id: str, token: str, *, for_update: bool = False) -> User:
    people = User.objects.select_for_update() if for_update else User.objects
    try:
        user = people.filter(id=user_id, is_active=True).first()
    except ids.BadId:
        user = None
    if user is None or user.has_usable_password() or not default_token_generator.check_token(user, token):
        raise InvitationEnded
    return user
