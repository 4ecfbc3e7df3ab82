"""View-models of the step-up page and of the pages of one's own second factor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptField:
    """One field of the form that was sent."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class StepUpPage:
    """The form once more: ``kept`` is what was typed, ``files`` the names of fields whose file must be chosen anew."""

    heading: str
    title: str
    why: str
    action: str
    back_url: str
    kept: tuple[KeptField, ...]
    files: tuple[str, ...]
    is_enrolled: bool
    enrol_url: str
    minutes: int
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """One's own second factor."""

    email: str
    is_enrolled: bool
    codes_left: int
    since: str = ""


@dataclass(frozen=True, slots=True)
class EnrolPage:
    """An authenticator to be: ``qr`` a data URI, ``secret`` the same for typing.

    ``is_needed``: a room sent the person here, which their role enters with a second factor only.
    """

    qr: str
    secret: str
    address: str
    error: str = ""
    is_needed: bool = False


@dataclass(frozen=True, slots=True)
class CodesPage:
    """Recovery codes, shown once, and where the person was going."""

    codes: tuple[str, ...]
    next_url: str


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """Who am I, once more, before the second factor is changed."""

    next_url: str
    is_enrolled: bool
    minutes: int
    error: str = ""
