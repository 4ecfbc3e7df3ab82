"""View-models of the room of API keys and clients."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof


@dataclass(frozen=True, slots=True)
class ScopeOption:
    """A scope as it is chosen. Who may not do it themselves cannot give it."""

    value: str
    verb: str
    chosen: bool = False
    is_open: bool = True
    is_dangerous: bool = False


@dataclass(frozen=True, slots=True)
class ScopeGroup:
    """The scopes of one noun."""

    noun: str
    options: tuple[ScopeOption, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select."""

    value: str
    title: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A key or a client in its list."""

    id: str
    url: str
    name: str
    prefix: str
    scopes: str
    scopes_all: str
    channel: str
    issued_by: str
    used: Moment | None
    ends: str
    ends_title: str
    state: Mark
    note: str = ""


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """What a key or a client is made of."""

    action: str
    groups: tuple[ScopeGroup, ...]
    channels: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    """How long a key lasts, or how long a client's tokens live."""

    networks: str = ""
    requires_certificate: bool = False
    version: int = 1


@dataclass(frozen=True, slots=True)
class CredentialsPage:
    tabs: tuple[Chip, ...]
    chips: tuple[Chip, ...]
    rows: tuple[CredentialRow, ...]
    form: CredentialForm | None


@dataclass(frozen=True, slots=True)
class DenialRow:
    """Something that was refused to a credential."""

    at: Moment
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class PartRow:
    """A secret or a certificate of a client."""

    id: str
    title: str
    made: Moment
    ends: str
    end_url: str


@dataclass(frozen=True, slots=True)
class KeyPage:
    row: CredentialRow
    facts: tuple[Proof, ...]
    groups: tuple[ScopeGroup, ...]
    networks: tuple[str, ...]
    denials: tuple[DenialRow, ...]
    related: tuple[CredentialRow, ...]
    """The key that it took the place of, and the one that took its."""

    rotate_url: str
    overlaps: tuple[Choice, ...]
    revoke_url: str


@dataclass(frozen=True, slots=True)
class ClientPage:
    row: CredentialRow
    facts: tuple[Proof, ...]
    denials: tuple[DenialRow, ...]
    secrets: tuple[PartRow, ...]
    certificates: tuple[PartRow, ...]
    form: CredentialForm | None
    secret_url: str
    overlaps: tuple[Choice, ...]
    certificate_url: str
    revoke_url: str


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret on the one page that ever shows it."""

    title: str
    words: str
    value: str
    client_id: str
    back_url: str
    back_title: str
    example: str
