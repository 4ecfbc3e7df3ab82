"""The scenarios, as data. A workspace may set other numbers (``monitors`` of its settings); a new one is a row here."""

from collections.abc import Mapping
from typing import Any, Final

from policy.screening.monitoring import judges
from policy.screening.monitoring.types import Numbers, Scenario


def _amounts(minor: int) -> dict[str, Any]:
    """An amount of 2 decimals in every currency but those of 0 and 3."""
    return {"by_currency": {"JPY": minor, "KRW": minor * 10, "BHD": minor * 5, "KWD": minor * 5}, "otherwise": minor}


SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario(
        "structuring_over_days",
        "Structuring over days",
        "several amounts just under a threshold, on more than one day",
        70,
        {"threshold_minor": _amounts(1_000_000), "within_percent": 10, "at_least": 4, "on_days": 2, "days": 7},
        judges.structuring_over_days,
    ),
    Scenario(
        "rapid_in_and_out",
        "Rapid in and out",
        "nearly all that came in went out again within hours",
        60,
        {"from_minor": _amounts(500_000), "percent": 80, "hours": 24},
        judges.rapid_in_and_out,
    ),
    Scenario(
        "dormant_then_active",
        "Dormant, then active",
        "nothing for months, and then a lot within days",
        50,
        {"from_minor": _amounts(500_000), "dormant_days": 90, "days": 3},
        judges.dormant_then_active,
    ),
    Scenario(
        "high_risk_corridor",
        "High-risk corridor",
        "money to countries that call for countermeasures",
        80,
        # FATF, high-risk jurisdictions subject to a call for action.
        {"from_minor": _amounts(100_000), "countries": ["IR", "KP", "MM"], "days": 7},
        judges.high_risk_corridor,
    ),
    Scenario(
        "velocity_jump",
        "Velocity jump",
        "far more in a day than this customer usually moves in one",
        55,
        {"times": 5, "at_least": 10, "active_days": 7, "baseline_days": 28},
        judges.velocity_jump,
    ),
)
BY_NAME: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in SCENARIOS}
LONGEST_DAYS: Final = 120
"""How far back any scenario looks."""


def numbers_of(scenario: Scenario, changed: Mapping[str, Numbers]) -> Numbers:
    """The scenario's numbers with those that the workspace set."""
    return {**scenario.numbers, **changed.get(scenario.name, {})}


def is_switched_off(scenario: Scenario, changed: Mapping[str, Numbers]) -> bool:
    """Whether the workspace does without it."""
    return changed.get(scenario.name, {}).get("is_enabled") is False
