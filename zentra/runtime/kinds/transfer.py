"""A transfer: money that we hold goes out over a rail, which we then owe what it paid for us. The payment's mirror."""

from zentra.runtime.kinds.types import DESTINATION, SOURCE, Kind, Move, Step

KIND = Kind(
    name="transfer",
    source="customer_balance",
    destination="payout_account",
    # Money that is not there cannot be sent.
    source_may_go_negative=False,
    reserve=Step("reserve", (Move(SOURCE, "reserved_balance"),)),
    success=Step("success", (Move("reserved_balance", "settlement_account"),)),
    # The payee has it from the rail, which we now owe.
    settle=Step("settle", (Move("settlement_account", DESTINATION), Move(DESTINATION, "rail_payable"))),
    release=Step("release", (Move("reserved_balance", SOURCE),)),
)
