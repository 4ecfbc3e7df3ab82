"""View-models of the compliance rooms. Names and numbers in them are personal: shown to who may read parties only."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Field, Figure, Option


@dataclass(frozen=True, slots=True)
class PartyRow:
    party_id: str
    url: str
    name: str
    kind: str
    reference: str
    country: str
    kyc: Mark
    kyc_note: str
    screening: Mark
    risk: Mark
    moment: Moment
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class PartiesPage:
    tabs: tuple[Chip, ...]
    fields: tuple[Field, ...]
    states: tuple[Chip, ...]
    rows: tuple[PartyRow, ...]
    new_url: str = ""
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class PartyForm:
    """A new party, as typed."""

    action: str
    fields: tuple[Field, ...]
    aliases: str
    identifiers: str
    problem: str = ""
    problem_next: str = ""
    wrong: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A part of a score: ``points`` of at most ``of``; ``percent`` fills its bar."""

    name: str
    points: str
    of: str
    percent: int
    words: str
    is_minus: bool = False


@dataclass(frozen=True, slots=True)
class HitView:
    """A match with a list, explained part by part, and what may be done about it."""

    hit_id: str
    score: str
    state: Mark
    entry_name: str
    list_name: str
    entry_uid: str
    sides: tuple[tuple[str, str, str], ...]
    parts: tuple[ScorePart, ...]
    sum_words: str
    found: Moment
    decided: str = ""
    note: str = ""
    resolve_url: str = ""
    reopen_url: str = ""
    party_name: str = ""
    party_url: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    document_id: str
    kind: str
    number: str
    issued_by: str
    expires: str
    is_over: bool
    remove_url: str = ""


@dataclass(frozen=True, slots=True)
class KnownBy:
    """An alias or an identifier."""

    key: str
    kind: str
    value: str
    remove_url: str = ""


@dataclass(frozen=True, slots=True)
class VerificationRow:
    state: Mark
    vendor: str
    words: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class StepRow:
    words: str
    who: str
    note: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class PartyIntent:
    intent_id: str
    url: str
    amount: str
    currency: str
    side: str
    state: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class AlertLine:
    title: str
    url: str
    state: Mark
    words: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class PartyActs:
    """Where forms go; an empty address is a control that is not drawn."""

    verify: str = ""
    decide: str = ""
    abandon: str = ""
    screen: str = ""
    document: str = ""
    name: str = ""
    identifier: str = ""
    change: str = ""
    close: str = ""


@dataclass(frozen=True, slots=True)
class PartyPage:
    row: PartyRow
    version: str
    facts: tuple[Proof, ...]
    kyc: tuple[Proof, ...]
    screening: tuple[Proof, ...]
    hits: tuple[HitView, ...]
    open_hits: int
    documents: tuple[DocumentRow, ...]
    names: tuple[KnownBy, ...]
    identifiers: tuple[KnownBy, ...]
    verifications: tuple[VerificationRow, ...]
    steps: tuple[StepRow, ...]
    intents: tuple[PartyIntent, ...]
    alerts: tuple[AlertLine, ...]
    acts: PartyActs
    change_fields: tuple[Field, ...] = ()
    document_types: tuple[Option, ...] = ()
    identifier_types: tuple[Option, ...] = ()
    name_kinds: tuple[Option, ...] = ()
    poll_url: str = ""
    case_url: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    run_id: str
    number: str
    reason: str
    state: Mark
    percent: int
    progress: str
    new_hits: str
    moment: Moment
    took: str


@dataclass(frozen=True, slots=True)
class RunsPage:
    tabs: tuple[Chip, ...]
    figures: tuple[Figure, ...]
    rows: tuple[RunRow, ...]
    settings: tuple[Field, ...] = ()
    version: str = ""
    start_url: str = ""
    settings_url: str = ""
    poll_url: str = ""
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Hits of all parties and what monitoring found."""

    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    hits: tuple[HitView, ...]
    findings: tuple[AlertLine, ...]
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class WatchlistRow:
    list_id: str
    url: str
    name: str
    source: str
    state: Mark
    entries: str
    version: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class WatchlistsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[WatchlistRow, ...]
    sources: tuple[Option, ...]
    add_url: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WatchVersionRow:
    version_id: str
    number: str
    url: str
    state: Mark
    file_name: str
    entries: str
    delta: str
    who: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class WatchlistPage:
    row: WatchlistRow
    versions: tuple[WatchVersionRow, ...]
    import_url: str = ""
    has_parts: bool = False
    problem: str = ""
    problem_next: str = ""


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry that a version added, changed or removed."""

    change: Mark
    uid: str
    kind: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class WatchVersionPage:
    """One import of a list: how far it is, what it would change, and the button that makes it count."""

    list_name: str
    list_url: str
    number: str
    row: WatchVersionRow
    percent: int
    progress: str
    figures: tuple[Figure, ...]
    facts: tuple[Proof, ...]
    changes: tuple[EntryRow, ...]
    chips: tuple[Chip, ...]
    problem: str = ""
    is_shrinking: bool = False
    activate_url: str = ""
    discard_url: str = ""
    cancel_url: str = ""
    poll_url: str = ""
    next_url: str = ""
    first_url: str = ""
