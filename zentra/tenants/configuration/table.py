"""The table of settings: every one that a workspace has, its default, its bounds, and what it governs.

A setting that is not here is refused. Each is read by the code that it governs, through ``queries.read_settings``.
The ledger's currency is none of them: it is fixed when a workspace is made.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from zentra.core.rates import read_policies
from zentra.tenants.configuration import checks
from zentra.tenants.configuration.types import Kind, WorkspaceSettings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``check`` returns the form it is stored in, or raises ``checks.BadValue``."""

    name: str
    group: str
    title: str
    words: str
    kind: Kind
    default: Any
    check: Callable[[object], Any]
    unit: str = ""
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()

    def say(self, stored: object) -> str:
        """A stored value in words; None stands for the default."""
        value = self.default if stored is None else stored
        if self.kind == "whole":
            return f"{value:,} {self.unit}"
        if self.kind == "switch":
            return "on" if value else "off"
        if self.kind in ("roles", "domains"):
            return ", ".join(value) or "none"  # type: ignore[arg-type]  # its check made it a list of texts
        if self.kind == "rates":
            return _say_rates(value)  # type: ignore[arg-type]  # its check made it a mapping
        return str(value)


def _say_rates(stored: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    parts = [
        f"{name}: {rate[0]:g} a second for a {'key' if whose == 'key' else 'workspace'}, {rate[1]:,} at once"
        for name, both in stored.items()
        for whose, rate in both.items()
    ]
    return "; ".join(parts) or "the usual ones"


def _whole(name: str, group: str, title: str, words: str, default: int, least: int, most: int, unit: str) -> Setting:
    def check(value: object) -> int:
        return checks.whole(value, least, most, unit)

    return Setting(name, group, title, words, "whole", default, check, unit, least, most)


def _choice(name: str, group: str, title: str, words: str, default: str, choices: tuple[str, ...]) -> Setting:
    def check(value: object) -> str:
        return checks.choice(value, choices)

    return Setting(name, group, title, words, "choice", default, check, choices=choices)


# fmt: off
SETTINGS: Final = (
    Setting("time_zone", "General", "Time zone",
            "When the workspace's days, weeks and months begin, for limits by calendar.",
            "zone", "UTC", checks.zone),
    _whole("review_hours_operations", "Reviews", "Time for a case of operations",
           "From when it opens; after that it counts as overdue.", 1, 1, 720, "hours"),
    _whole("review_hours_compliance", "Reviews", "Time for a case of compliance",
           "From when it opens; after that it counts as overdue.", 4, 1, 720, "hours"),
    _whole("review_lease_minutes", "Reviews", "How long a claim lasts",
           "Without activity of whoever claimed the case.", 10, 1, 240, "minutes"),
    _choice("policy_failure", "Policy", "When a rule cannot be judged",
            "What follows where neither the rule nor its rule set says so itself.", "review", ("review", "decline")),
    _whole("sync_deadline_seconds", "Delivery", "How long delivery holds an intent open",
           "Then its packet is sealed as degraded, with what was not delivered listed.", 900, 1, 86_400, "seconds"),
    _whole("webhook_history_days", "Delivery", "How long attempts and callbacks are kept",
           "Their headers and bodies, by calendar month; deliveries themselves stay.", 90, 30, 3_650, "days"),
    Setting("verify_webhook_endpoints", "Delivery", "New endpoints answer a challenge first",
            "Until then their events wait.", "switch", False, checks.switch),
    _whole("idle_minutes", "People", "Sign-in ends when idle for", "Without any request of that session.",
           30, 5, 1_440, "minutes"),
    _whole("session_hours", "People", "Sign-in ends after", "However busy it is.", 12, 1, 168, "hours"),
    Setting("second_factor_roles", "People", "Roles that need a second factor too",
            "Beside those that always need one.", "roles", [], checks.roles),
    Setting("allowed_email_domains", "People", "Mail domains of new people",
            "Only addresses of these are invited; with none named, any.", "domains", [], checks.domains),
    _whole("denial_burst", "People", "Refused attempts that raise an alarm", "Within five minutes.",
           20, 3, 1_000, "attempts"),
    Setting("rate_policies", "Limits", "Request limits",
            "Per key and for the whole workspace, by class of route. What is not named has its usual limit.",
            "rates", {}, checks.rates),
    _whole("exception_hours", "Reconciliation", "Time for an exception",
           "From when it opens; after that it counts as overdue.", 48, 1, 2_160, "hours"),
    _whole("match_approval_minor", "Reconciliation", "Difference that one person may match alone",
           "A forced match that leaves more waits for a second person, and no rule confirms more. One number for all"
           " currencies, in minor units of each: 1000 is USD 10.00, JPY 1,000 and KWD 1.000.", 1_000, 0, 900_000_000,
           "minor units"),
    _whole("write_off_limit_minor", "Reconciliation", "Most that is written off",
           "In minor units of its own currency. Each takes two people all the same; a larger one takes an adjustment.",
           100_000, 0, 900_000_000, "minor units"),
    _whole("undo_approval_minor", "Reconciliation", "Match that one person may undo alone",
           "In minor units of its own currency. A larger one is undone when a second person says so too.", 10_000_000,
           0, 900_000_000, "minor units"),
    _whole("explain_approval_minor", "Reconciliation", "Exception that one person may explain alone",
           "In minor units of its own currency. A larger one waits for a second person, and so does accepting a"
           " provider's answer to it.", 10_000_000, 0, 900_000_000, "minor units"),
    _whole("cut_off_hour", "Reconciliation", "Hour at which the business day ends",
           "In the workspace's time zone; 24 is midnight. Money after it counts in the next day and, on a month's last"
           " day, in the next period. Periods that are made already keep theirs.", 24, 1, 24, "o'clock"),
    _whole("deletion_days", "Retention", "How long an archived workspace is kept",
           "Then its data is deleted for good.", 30, 1, 3_650, "days"),
)
# fmt: on

BY_NAME: Final[Mapping[str, Setting]] = {each.name: each for each in SETTINGS}


def read_stored(stored: Mapping[str, Any]) -> WorkspaceSettings:
    """The settings in force of what a workspace's row says.

    What is not there has its default. A number out of bounds counts as the nearest within them, and any other value
    that no check would take as the default, because a wrong row stops no money.
    """
    values = {each.name: _value(each, stored.get(each.name)) for each in SETTINGS}
    values["second_factor_roles"] = frozenset(values["second_factor_roles"])
    values["allowed_email_domains"] = frozenset(values["allowed_email_domains"])
    values["rate_policies"] = read_policies(values["rate_policies"])
    return WorkspaceSettings(**values)


def _value(setting: Setting, stored: object) -> Any:
    if stored is None:
        return setting.default
    if setting.least is not None and setting.most is not None and isinstance(stored, int):
        stored = min(max(stored, setting.least), setting.most)
    try:
        return setting.check(stored)
    except checks.BadValue:
        return setting.default
