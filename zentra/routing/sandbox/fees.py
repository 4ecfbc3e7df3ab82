"""What a simulated rail keeps of each payment that it collects: a percentage and a fixed part, integers only."""

from __future__ import annotations

from dataclasses import dataclass

BPS = 10_000
# The fixed part is a fraction of the unit in most currencies; where the unit is small or large it is something else.
FIXED_MINOR = {"JPY": 25, "BHD": 100}


@dataclass(frozen=True, slots=True)
class FeeTable:
    """``bps`` hundredths of a percent, and ``fixed_minor`` minor units of a currency with two digits."""

    bps: int
    fixed_minor: int

    def fixed_of(self, currency: str) -> int:
        """The fixed part in a currency's minor units."""
        return FIXED_MINOR.get(currency, self.fixed_minor)

    def fee_of(self, amount_minor: int, currency: str) -> int:
        """The fee of a payment, rounded half up; a payment is never eaten up by it."""
        return min((amount_minor * self.bps + BPS // 2) // BPS + self.fixed_of(currency), amount_minor - 1)


FEES = {"rail_a": FeeTable(140, 25), "rail_b": FeeTable(190, 20)}
DEFAULT_FEES = FeeTable(150, 25)


def fees_of(rail: str) -> FeeTable:
    """The table of a rail; rails of other names share one."""
    return FEES.get(rail, DEFAULT_FEES)
