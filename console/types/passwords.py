"""View-models of the pages of one's own password."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForgottenPage:
    """Where a link is asked for; ``sends_mail`` is false where this installation has no mail server."""

    sends_mail: bool
    is_asked: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class ResetPage:
    """The form of a link; no page at all when the link has ended."""

    email: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Another password, by who knows the one they have."""

    email: str
    error: str = ""
