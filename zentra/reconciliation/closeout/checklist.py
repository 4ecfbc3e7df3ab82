"""The checklist of a period, as data: what has to be done, when, after what, and how a computed task knows.

Every period gets these tasks when it is made. ``due`` counts business days (Monday to Friday) from the period's end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from zentra.reconciliation.closeout.types import Overview


@dataclass(frozen=True, slots=True)
class TaskKind:
    """One task. ``done`` and ``says`` are of a computed one: whether the facts say that it is done, and in words."""

    key: str
    title: str
    due: int
    depends_on: tuple[str, ...] = ()
    done: Callable[[Overview], bool] | None = None
    says: Callable[[Overview], str] | None = None

    @property
    def is_computed(self) -> bool:
        """Whether nobody ticks it off."""
        return self.done is not None


NO_ACCOUNT: Final = "no account was reconciled"
"""What those tasks say that have nothing to ask: before the first account, or when all were closed before."""


def _left(o: Overview) -> str:
    """What is left of the tie-outs, in words."""
    amounts = [f"{each:,} {currency} unexplained" for currency, each in o.unexplained.items() if each]
    if not o.accounts:
        return NO_ACCOUNT
    return "; ".join(amounts) or (f"{o.untied:,} with open items" if o.untied else "nothing is unexplained")


# fmt: off
TASKS: Final = (
    TaskKind("statements", "Import every statement up to the last day", 1,
             done=lambda o: o.reached == o.accounts,
             says=lambda o: f"{o.statements:,} statements; those of {o.reached:,} of {o.accounts:,} accounts reach"
                            " the last day" if o.accounts else NO_ACCOUNT),
    TaskKind("in_flight", "Look through the intents in flight at cut-off", 1),
    TaskKind("match", "Match every line", 2, ("statements",),
             done=lambda o: o.lines_open == 0 and (o.lines > 0 or o.reached == o.accounts),
             says=lambda o: f"all but {o.lines_open:,} of {o.lines:,} lines"),
    TaskKind("exceptions", "Resolve every exception", 3, ("match",),
             done=lambda o: o.exceptions == 0,
             says=lambda o: f"{o.exceptions:,} left"),
    TaskKind("late", "Look through what came late for the period", 3),
    TaskKind("suspense", "Clear suspense and aged items, or say why they stay", 3),
    TaskKind("soft_close", "Close softly: adjustments only from here", 3, ("statements",),
             done=lambda o: o.period.state != "open",
             says=lambda o: {"open": "open", "soft": "closed softly", "closed": "locked"}[o.period.state]),
    TaskKind("customer_money", "Check the customer-money proof of every currency", 4, ("exceptions",)),
    TaskKind("flux", "Explain what moved otherwise than last month", 4, ("exceptions",)),
    TaskKind("tie_out", "Tie out every account", 4, ("exceptions", "soft_close"),
             done=lambda o: (o.tie_outs > 0 or not o.accounts) and o.untied == 0 and not o.suspended,
             says=_left),
    TaskKind("sign", "Sign every tie-out, two people each", 5, ("tie_out",),
             done=lambda o: (o.tie_outs > 0 or not o.accounts) and o.approved == o.tie_outs,
             says=lambda o: f"{o.prepared:,} prepared, {o.approved:,} approved of {o.tie_outs:,}"
                            + (f", {o.suspended:,} suspended" if o.suspended else "") if o.accounts else NO_ACCOUNT),
    TaskKind("lock", "Lock the period", 5, ("sign", "in_flight", "late", "suspense", "customer_money", "flux"),
             done=lambda o: o.period.state == "closed",
             says=lambda o: "locked" if o.period.state == "closed" else "not locked"),
    TaskKind("packet", "Seal the closeout packet", 6, ("lock",)),
)
# fmt: on

BY_KEY: Final = {each.key: each for each in TASKS}
AFTER_LOCK: Final = ("packet",)
"""What is done once a period is locked, and is therefore not frozen with it."""
BEFORE_LOCK: Final = tuple(each.key for each in TASKS if each.key not in ("lock", "sign", *AFTER_LOCK))
"""What a lock waits for, beside the signatures, which it asks for one by one."""
