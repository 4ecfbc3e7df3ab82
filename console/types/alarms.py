"""View-models of the Alarms and Stuck rooms: frozen, ready to print."""

from dataclasses import dataclass

from console.types import Chip, Mark, Moment, Proof
from console.types.ledger import Option


@dataclass(frozen=True, slots=True)
class AlarmRow:
    alarm_id: str
    url: str
    headline: str
    words: str
    severity: Mark
    state: Mark
    by: str
    raised: Moment
    seen: str


@dataclass(frozen=True, slots=True)
class AlarmsPage:
    tabs: tuple[Chip, ...]
    states: tuple[Chip, ...]
    rows: tuple[AlarmRow, ...]
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A message as it was sent, or will be: ``body`` is exact."""

    notice_id: str
    step: str
    kind: str
    target: str
    who: str
    state: Mark
    says: str
    subject: str
    body: str
    alarm_url: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class AlarmPage:
    row: AlarmRow
    facts: tuple[Proof, ...]
    numbers: tuple[Proof, ...]
    notices: tuple[NoticeRow, ...]
    subject_url: str
    runbook_url: str
    acknowledge_url: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    channel_id: str
    kind: str
    target: str
    who: str
    kinds: str
    since: Moment
    test_url: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class ChannelsPage:
    tabs: tuple[Chip, ...]
    rows: tuple[ChannelRow, ...]
    kinds: tuple[Option, ...]
    add_url: str


@dataclass(frozen=True, slots=True)
class SentPage:
    tabs: tuple[Chip, ...]
    rows: tuple[NoticeRow, ...]
    next_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSecret:
    """A webhook channel's secret, shown once."""

    target: str
    value: str
    channels_url: str


@dataclass(frozen=True, slots=True)
class RunbookPage:
    title: str
    html: str
    others: tuple[Chip, ...]


@dataclass(frozen=True, slots=True)
class StuckRow:
    key: str
    subject: str
    url: str
    waits_for: Mark
    words: str
    who: str
    door: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class StuckPage:
    chips: tuple[Chip, ...]
    rows: tuple[StuckRow, ...]
