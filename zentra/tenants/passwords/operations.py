"""Set a password: the only place that does, so that every way to one asks the same of it."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from zentra.tenants.members.errors import UnusablePassword
from zentra.tenants.models import User
from zentra.tenants.passwords.validators import MAX_LENGTH


def check_new_password(*, password: str, user: User | None = None) -> None:
    """Whether a password may be set, for a person or for one who is about to be made.

    Raises:
        UnusablePassword: too short (12) or long (200), easily guessed, like the address, or on a list of leaked ones;
            the detail says which, and what would make it better.
    """
    if len(password) > MAX_LENGTH:
        raise UnusablePassword(f"At most {MAX_LENGTH} characters.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UnusablePassword(" ".join(dict.fromkeys(error.messages))) from error


def set_password(*, user: User, password: str) -> None:
    """Give a person another password; the caller has proved who asks and holds their row. Raises UnusablePassword."""
    check_new_password(password=password, user=user)
    user.set_password(password)
    user.save(update_fields=["password"])
