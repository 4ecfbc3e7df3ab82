"""View-models of the policy rooms: frozen, ready to print."""

from dataclasses import dataclass

from console.presenters.rules import TreeLine
from console.types import Chip, Mark, Moment, Proof
from console.types.builder import ProblemLine
from console.types.ledger import Field, Figure, Option


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule or a limit as a sentence. ``hits`` is how often it held lately, in words."""

    name: str
    anchor: str
    action: Mark
    sentence: str
    scope: str
    reason: str
    score: str
    is_enabled: bool = True
    notes: tuple[str, ...] = ()
    lines: tuple[TreeLine, ...] = ()
    hits: str = ""
    edit_url: str = ""
    remove_url: str = ""


@dataclass(frozen=True, slots=True)
class PolicyPage:
    tabs: tuple[Chip, ...]
    figures: tuple[Figure, ...]
    rules: tuple[RuleRow, ...]
    limits: tuple[RuleRow, ...]
    settings: tuple[Proof, ...]
    limits_url: str
    draft_url: str = ""


@dataclass(frozen=True, slots=True)
class VersionRow:
    number: str
    url: str
    state: Mark
    note: str
    editors: str
    by: str
    count: str
    moment: Moment
    is_left: bool = False
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class VersionsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[VersionRow, ...]
    diff_url: str
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class VersionPage:
    number: str
    state: Mark
    words: str
    rules: tuple[RuleRow, ...]
    limits: tuple[RuleRow, ...]
    settings: tuple[Proof, ...]
    diff_url: str = ""
    roll_back_url: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One difference: a rule that came, went or changed, with what changed in it."""

    change: Mark
    name: str
    what: str
    was: str = ""
    now: str = ""
    details: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DiffPage:
    title: str
    words: str
    fields: tuple[Field, ...]
    changes: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True)
class DraftRow:
    draft_id: str
    url: str
    name: str
    state: Mark
    based_on: str
    edited_by: str
    editors: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class DraftsPage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    rows: tuple[DraftRow, ...]
    new_url: str = ""


@dataclass(frozen=True, slots=True)
class DraftPage:
    """A draft: its rules, what it changes, what is wrong, and what this person may do with it. An empty URL is a
    control that is not drawn; ``publish_note`` says why there is none to publish."""

    draft_id: str
    name: str
    state: Mark
    words: str
    version: str
    rules: tuple[RuleRow, ...]
    limits: tuple[RuleRow, ...]
    settings: tuple[Proof, ...]
    changes: tuple[ChangeRow, ...]
    against: str
    against_live: bool
    facts: tuple[Proof, ...]
    next_number: str
    problems: tuple[ProblemLine, ...] = ()
    add_rule_url: str = ""
    add_limit_url: str = ""
    validate_url: str = ""
    validate_words: str = ""
    publish_url: str = ""
    publish_note: str = ""
    rebase_url: str = ""
    discard_url: str = ""
    settings_url: str = ""
    settings_form: tuple[Field, ...] = ()
    settings_open: bool = False


@dataclass(frozen=True, slots=True)
class UseRow:
    """How much of a limit one subject has used. ``percent`` is whole and may pass 100; ``level`` colours the bar."""

    limit: str
    limit_url: str
    dimension: str
    key: str
    key_url: str
    used: str
    cap: str
    currency: str
    percent: int
    percent_words: str
    level: str
    resets: str
    resets_iso: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class LimitsPage:
    tabs: tuple[Chip, ...]
    fields: tuple[Field, ...]
    limits: tuple[RuleRow, ...]
    rows: tuple[UseRow, ...]
    searched: str = ""
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class ListRow:
    list_id: str
    url: str
    name: str
    kind: Mark
    value_type: str
    description: str
    items: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class ListsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ListRow, ...]
    kinds: tuple[Option, ...]
    types: tuple[Option, ...]
    add_url: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    item_id: str
    value: str
    note: str
    state: Mark
    expires: str
    by: str
    moment: Moment
    remove_url: str = ""


@dataclass(frozen=True, slots=True)
class ListPage:
    row: ListRow
    version: str
    facts: tuple[Proof, ...]
    items: tuple[ItemRow, ...]
    fields: tuple[Field, ...]
    states: tuple[Chip, ...]
    add_url: str = ""
    remove_url: str = ""
    typed: str = ""
    typed_note: str = ""
    typed_expires: str = ""
    problem: str = ""
    problem_next: str = ""
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    placeholder: str = ""
