"""Endpoints: in a list with their health at a glance, each on its page, and the form that describes one."""

from dataclasses import dataclass

from console.types import Chip, Mark, Proof
from console.types.ledger import Field, Figure, Option
from console.types.plots import HealthPlots, Spark
from console.types.webhooks import AttemptRow


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint and its last 24 hours. ``low`` says that its health asks for attention."""

    endpoint_id: str
    url: str
    address: str
    description: str
    state: Mark
    events: str
    health: str
    low: bool
    spark: Spark
    p50: str
    p95: str
    backlog: str
    oldest: str
    breaker: Mark
    missed: str = ""
    missed_url: str = ""


@dataclass(frozen=True, slots=True)
class WebhooksPage:
    """The room: the workspace's figures, the plot over all endpoints, each endpoint as a line."""

    tabs: tuple[Chip, ...]
    figures: tuple[Figure, ...]
    rows: tuple[EndpointRow, ...]
    plots: HealthPlots | None = None
    new_url: str = ""


@dataclass(frozen=True, slots=True)
class SecretLine:
    """A signing key: what is shown of it, since when it signs, and until when it is also accepted."""

    secret_id: str
    kind: str
    shown: str
    copy: str
    since: str
    until: str
    is_current: bool
    expire_url: str = ""


@dataclass(frozen=True, slots=True)
class HeaderLine:
    name: str
    value: str
    is_sensitive: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown once, after it was made: a ``whsec_`` secret or the public half of a key pair."""

    title: str
    value: str
    words: str
    endpoint_url: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about the endpoint's state that stands above everything else."""

    mark: Mark
    title: str
    words: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class ArrivalStep:
    """One step of a test event on its way: recorded, sequenced, sent, answered."""

    title: str
    words: str
    mark: Mark
    done: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """A test event and what became of it; asked for again at ``poll_url`` until ``done``."""

    event_id: str
    event_url: str
    steps: tuple[ArrivalStep, ...]
    done: bool
    words: str
    poll_url: str = ""
    delivery_url: str = ""


@dataclass(frozen=True, slots=True)
class EndpointActs:
    """Where this person's forms go; an empty address is a control that is not drawn."""

    test: str = ""
    settings: str = ""
    enable: str = ""
    disable: str = ""
    remove: str = ""
    rotate: str = ""
    replay: str = ""


@dataclass(frozen=True, slots=True)
class EndpointPage:
    endpoint_id: str
    address: str
    description: str
    state: Mark
    notices: tuple[Notice, ...]
    figures: tuple[Figure, ...]
    plots: HealthPlots
    settings: tuple[Proof, ...]
    facts: tuple[Proof, ...]
    secrets: tuple[SecretLine, ...]
    headers: tuple[HeaderLine, ...]
    acts: EndpointActs
    attempts: tuple[AttemptRow, ...]
    attempt_filters: tuple[Chip, ...] = ()
    arrival: Arrival | None = None
    overlaps: tuple[Option, ...] = ()
    kinds: tuple[Option, ...] = ()
    next_url: str = ""
    first_url: str = ""
    all_url: str = ""
    deliveries_url: str = ""


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """One name that an endpoint can subscribe to."""

    pattern: str
    title: str
    checked: bool = False


@dataclass(frozen=True, slots=True)
class StageChoices:
    """The names of a stage; ``patterns`` stand for everything under a first word, also what comes later."""

    title: str
    tone: str
    patterns: tuple[TypeChoice, ...]
    names: tuple[TypeChoice, ...]


@dataclass(frozen=True, slots=True)
class HeaderInput:
    """A line of the form for headers."""

    number: int
    name: str = ""
    value: str = ""
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class EndpointForm:
    """The form of a new endpoint or of one that is there, with what was typed and why it was refused."""

    title: str
    words: str
    action: str
    back_url: str
    verb: str
    url: str = ""
    description: str = ""
    everything: bool = True
    stages: tuple[StageChoices, ...] = ()
    fields: tuple[Field, ...] = ()
    schedule: str = ""
    schedule_hint: str = ""
    versions: tuple[Option, ...] = ()
    headers: tuple[HeaderInput, ...] = ()
    version: str = ""
    verify: bool = False
    endpoint_id: str = ""
    problem: str = ""
    problem_next: str = ""
    local_note: str = ""
