"""What is refused about settings; raised by ``operations``."""

from zentra.core.errors import DomainError


class InvalidSettings(DomainError):
    """A setting is none of the table's, or its value is none that it may have; ``errors`` says what of which name.

    Nothing was changed, also not what was right.
    """

    code = "invalid_settings"
    status = 422
    title = "A setting has a value that it may not have"


class StaleWorkspace(DomainError):
    """The workspace changed since ``version`` was read. Look at it again."""

    code = "stale_workspace"
    status = 409
    title = "The workspace was changed in the meantime"
