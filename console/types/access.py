"""View-models of the Access log: frozen, ready to print."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Field
from console.types.plots import Chart


@dataclass(frozen=True, slots=True)
class DenialRow:
    """``who`` is a member's name, or what is known of anybody else; ``also`` says how many more it stands for."""

    event_id: str
    url: str
    who: str
    who_title: str
    role: str
    action: str
    reason: Mark
    surface: str
    side: str
    also: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class ActorLine:
    """Somebody who was refused, how often, and the list of it."""

    who: str
    title: str
    count: str
    url: str


@dataclass(frozen=True, slots=True)
class AccessPage:
    chart: Chart | None
    chart_rows: tuple[tuple[str, ...], ...]
    ranges: tuple[Chip, ...]
    actors: tuple[ActorLine, ...]
    fields: tuple[Field, ...]
    chosen: tuple[Chip, ...]
    kept: tuple[tuple[str, str], ...]
    rows: tuple[DenialRow, ...]
    csv_url: str
    clear_url: str = ""
    next_url: str = ""
    first_url: str = ""
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DenialPage:
    row: DenialRow
    words: str
    facts: tuple[Proof, ...]
    more: tuple[Proof, ...]
    actor_url: str
    member_url: str
    event_url: str
    runbook_url: str
