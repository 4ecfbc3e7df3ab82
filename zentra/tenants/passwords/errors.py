"""What is refused about passwords."""

from zentra.core.errors import DomainError
from zentra.tenants.members.errors import UnusablePassword

__all__ = ["ResetEnded", "UnusablePassword", "WrongPassword"]


class WrongPassword(DomainError):
    """The current password, asked for before another is set, is not the person's. What was typed is never kept."""

    code = "wrong_password"
    status = 403
    title = "That is not your password"


class ResetEnded(DomainError):
    """The link was used, is older than one hour, or the person signed in since."""

    code = "reset_ended"
    status = 410
    title = "This link does not work any more"
