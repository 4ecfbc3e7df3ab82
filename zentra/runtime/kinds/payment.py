"""A payment: a customer pays a merchant, and a rail will bring us the money."""

from zentra.runtime.kinds.types import DESTINATION, SOURCE, Kind, Move, Step

KIND = Kind(
    name="payment",
    source="customer_balance",
    destination="merchant_balance",
    # The customer's account may be negative until the rail pays.
    source_may_go_negative=True,
    reserve=Step("reserve", (Move(SOURCE, "reserved_balance"),)),
    # The rail took the customer's money: it is ours to settle, and the rail owes it to us.
    success=Step("success", (Move("reserved_balance", "settlement_account"), Move("rail_receivable", SOURCE))),
    settle=Step("settle", (Move("settlement_account", DESTINATION),)),
    release=Step("release", (Move("reserved_balance", SOURCE),)),
)
