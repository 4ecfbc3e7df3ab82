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
class PasskeyRow:
    """One of one's passkeys."""

    id: int
    name: str
    words: str
    since: str
    used: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session: what browser, from where, since when."""

    id: str
    browser: str
    address: str
    method: str
    since: str
    seen: str
    is_mine: bool
    title: str


@dataclass(frozen=True, slots=True)
class SecondFactorPage:
    """One's own security."""

    email: str
    is_enrolled: bool
    codes_left: int
    has_factor: bool
    offers_passkeys: bool
    passkeys: tuple[PasskeyRow, ...]
    sessions: tuple[SessionRow, ...]
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
    passkey_url: str = ""


@dataclass(frozen=True, slots=True)
class PasskeyPage:
    """A passkey to be: its name."""

    name: str
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
    has_passkey: bool = False
