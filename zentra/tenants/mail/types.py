"""What the doors of this package hand out, and the kinds of mail there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Kind = Literal[
    "invitation", "added", "password_reset", "password_changed", "second_factor_changed", "role_changed", "removed"
]

TITLES: Final[dict[str, str]] = {
    "invitation": "Invitation",
    "added": "Added to a workspace",
    "password_reset": "Link to set another password",
    "password_changed": "Password was changed",
    "second_factor_changed": "Second factor was changed",
    "role_changed": "Role was changed",
    "removed": "Role was taken away",
}
"""What each kind is called on the page of outgoing mail."""


@dataclass(frozen=True, slots=True)
class MailRecord:
    """An outgoing mail as a page may show it: never what it says, which may hold a link that is a way in.

    ``state`` is waiting, sent, kept (there is no mail server), failed or expired.
    """

    id: str
    to: str
    kind: str
    title: str
    state: str
    attempts: int
    error: str
    workspace: str
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime | None
    can_be_sent_again: bool
