"""What is refused about passkeys."""

from zentra.core.errors import DomainError


class PasskeyRefused(DomainError):
    """The answer of the passkey is not one to what was asked, or is not of this person's passkey."""

    code = "passkey_refused"
    status = 403
    title = "That passkey was not taken"


class PasskeyCopied(PasskeyRefused):
    """The passkey counted backwards, as a copy of one does. Recorded as ``passkey.copy_suspected``."""

    code = "passkey_copied"
    title = "That passkey may have been copied"


class UnknownPasskey(DomainError):
    """The person has no such passkey."""

    code = "unknown_passkey"
    status = 404
    title = "There is no such passkey"


class TooManyPasskeys(DomainError):
    """The person has as many passkeys as one may."""

    code = "too_many_passkeys"
    status = 409
    title = "That many passkeys are enough"
