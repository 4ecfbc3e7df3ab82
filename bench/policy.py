"""What policy costs an intent: sixty rules with full traces, and twenty velocity limits over a million past intents.

Clients call the intake as the API's process does, without HTTP: each intent is one transaction with its decision, its
posting and its events. All kinds take their turn in each round; a figure is the median of five rounds, with the lowest
and the highest. ``ZENTRA_BENCH_PAST=50000`` makes the loading quick. Run ``python -m bench.policy``.
"""

import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bench.clients import ROUNDS, SECONDS, Step, measure_rate
from bench.workspace import bench_workspace, connect, leave_connections, make_workspace

if TYPE_CHECKING:
    from policy.subjects import Subject
    from policy.types import DecisionRecord
    from zentra.core.tenancy import TenantRef

CLIENTS: Final = 4
RULES: Final = 60
CUSTOMERS: Final = 100
PAST: Final = int(os.environ.get("ZENTRA_BENCH_PAST", "1000000"))
DAY: Final = 86_400
Round = dict[str, float]
# A thousand customers over thirty days, a hundred of whom the clients go on with.
_LOADED: Final = """
INSERT INTO policy_movement (intent_id, at, kind, amount_minor, currency, account, customer, corridor, card,
                             counterparty, state, expires_at, changed_at)
SELECT 'past_' || n, t.at, CASE n %% 3 WHEN 0 THEN 'transfer' ELSE 'payment' END, 1 + n %% 900, 'USD',
       coalesce((%(accounts)s::text[])[n %% 1000 + 1], 'past_' || n %% 1000), 'cust_' || n %% 1000,
       (ARRAY['US>DE/wire', 'US>GB/card', 'US>US/ach'])[n %% 3 + 1], NULL, 'payee_' || n %% 777, 'confirmed', NULL, t.at
  FROM generate_series(0, %(movements)s - 1) n
 CROSS JOIN LATERAL (SELECT now() - interval '30 days' + n * (interval '30 days' / %(movements)s) AS at) t
"""


@dataclass(frozen=True)
class Figure:
    """A rate as a ratio to another of the same round."""

    words: str
    kind: str
    base: str = "intent without policy"

    def line(self, rounds: list[Round]) -> str:
        """The figure as it is printed."""
        ratios = sorted(each[self.kind] / each[self.base] for each in rounds)
        rate = statistics.median(each[self.kind] for each in rounds)
        return f"{self.words:<70} {rate:6.0f}/s {statistics.median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


FIGURES: Final = (
    Figure("intent with an empty rule set", "intent, no rules"),
    Figure(f"intent with {RULES} rules and full traces", "intent, rules"),
    Figure(f"intent with 20 velocity limits, {PAST:,} past intents", "intent, limits"),
    Figure(f"decisions alone, {RULES} rules with full traces", "decision, rules"),
    Figure(f"decisions alone, 20 velocity limits, {PAST:,} past intents", "decision, limits"),
    Figure("20 limits at that many past intents, of the same with none", "intent, limits", "intent, limits, no past"),
)


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, make a workspace for each set of rules, load the past, measure all in turn, stop it."""
    with bench_workspace("bench_policy") as plain:
        spaces = {name: make_workspace(name) for name in ("rules", "limits", "recent")}
        spaces["plain"] = plain
        documents = {
            "plain": rule_set(),
            "rules": rule_set(rules=sixty_rules()),
            "limits": rule_set(limits=twenty_limits()),
            "recent": rule_set(limits=twenty_limits()),
        }
        for name, workspace in spaces.items():
            _prepare(workspace, documents[name])
        say(f"{PAST:,} past intents loaded in {_load(spaces['limits']):.0f} s")
        leave_connections()
        steps = _steps(spaces)
        say(f"{CLIENTS} clients, {ROUNDS} interleaved rounds of {SECONDS:g} s each, median (lowest to highest round)")
        rounds = [{kind: _rate(step) for kind, step in steps.items()} for _ in range(ROUNDS)]
        base = statistics.median(each["intent without policy"] for each in rounds)
        say(f"{'intent without policy':<70} {base:6.0f}/s")
        for figure in FIGURES:
            say(figure.line(rounds))


def _rate(make_step: Callable[[int], Step]) -> float:
    leave_connections()
    return measure_rate(make_step, clients=CLIENTS)


def _steps(spaces: "dict[str, TenantRef]") -> dict[str, Callable[[int], Step]]:
    return {
        "intent without policy": partial(intent, spaces["plain"], is_decided=False),
        "intent, no rules": partial(intent, spaces["plain"]),
        "intent, rules": partial(intent, spaces["rules"]),
        "intent, limits": partial(intent, spaces["limits"]),
        "intent, limits, no past": partial(intent, spaces["recent"]),
        "decision, rules": partial(decision, spaces["rules"]),
        "decision, limits": partial(decision, spaces["limits"]),
    }


def intent(workspace: "TenantRef", number: int, *, is_decided: bool = True) -> Step:
    """A payment of one of the customers each time, taken in and posted; undecided ones skip policy altogether."""
    from policy import operations as policy
    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work
    from zentra.runtime.operations import create_intent
    from zentra.runtime.types import CreateIntent

    if not is_decided:
        policy.decide = _accept  # the runtime asks for it by this name; this process does nothing else
    names = _names(number)

    def step() -> None:
        name, place = next(names)
        command = CreateIntent(
            name, "payment", 1 + place % 900, "USD", debit_account=f"c{place % CUSTOMERS}",
            payee=f"payee_{place % 777}", corridor={"source": "US", "destination": "DE", "method": "wire"},
        )  # fmt: skip
        with tenant_work(workspace):
            made = create_intent(command=command, actor=actors.EDGE, ws=workspace, now=clock.now())
        if made.intent.status != "ledgered":
            raise SystemExit(f"{name} was not accepted: {made.intent.gate}")

    return step


def decision(workspace: "TenantRef", number: int) -> Step:
    """A decision about such a payment, kept and committed, and nothing else."""
    from policy import operations as policy
    from policy.subjects import Subject
    from zentra.core import actors, clock
    from zentra.core.tenancy import tenant_work

    names = _names(number)

    def step() -> None:
        name, place = next(names)
        subject = Subject(
            name, "payment", 1 + place % 900, "USD", f"cust_{place % CUSTOMERS}", f"c{place % CUSTOMERS}",
            f"c{place % CUSTOMERS}", f"payee_{place % 777}", "US", "DE", "wire", channel="key", at=clock.now(),
        )  # fmt: skip
        with tenant_work(workspace):
            made = policy.decide(subject=subject, actor=actors.POLICY, now=clock.now())
        if made.outcome != "accepted":
            raise SystemExit(f"{name} was not accepted.")

    return step


def _accept(*, subject: "Subject", actor: object, now: Any) -> "DecisionRecord":  # noqa: ARG001  # as ``decide`` is called
    """Yes, without asking anything or keeping it."""
    from policy.types import DecisionRecord
    from zentra.core import ids

    return DecisionRecord(ids.new_id("dec"), subject.intent_id, 1, "accepted", "A", (), None, now, subject)


def _names(number: int) -> Iterator[tuple[str, int]]:
    marker = f"b_{os.urandom(4).hex()}_{number}"
    return ((f"{marker}_{place}", place * 7 + number * 37) for place in itertools.count())


def rule_set(
    *, rules: list[dict[str, Any]] | None = None, limits: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A document of these rules and limits."""
    return {"schema": 2, "rules": rules or [], "limits": limits or []}


def sixty_rules() -> list[dict[str, Any]]:
    """Sixty rules of six to eight nodes that look at all sides of an intent; each looks at most of its nodes, and the
    intents here pass all of them."""

    def tree(place: int) -> dict[str, Any]:
        places = {"op": "in", "field": "corridor.destination", "values": ["FR", "IT", f"X{place % 10}"]}
        named: dict[str, Any]
        if place % 3 == 0:
            named = {"op": "starts_with", "field": "counterparty", "text": f"shop {place}"}
        elif place % 3 == 1:
            named = {"op": "in_list", "field": "counterparty", "list": "watched"}
        else:
            named = {"op": "between", "field": "hour_utc", "min": 24, "max": 25 + place}
        above = {
            "op": "gt",
            "field": "amount_minor",
            "value": {"by_currency": {"USD": 100_000 + place}, "otherwise": 1},
        }
        return {
            "op": "all",
            "of": [
                {"op": "is_present", "field": "customer"},
                {"op": "not", "of": {"op": "eq", "field": "kind", "value": "transfer"}},
                {"op": "any", "of": [places, named, above]},
            ],
        }

    return [
        {"name": f"bench.rule_{place}", "action": "review", "score": 5, "reason": "as measured", "when": tree(place)}
        for place in range(RULES)
    ]


def twenty_limits() -> list[dict[str, Any]]:
    """Twenty limits that nobody reaches: by customer, account and corridor; sums, counts and counterparties; an hour,
    a day, a week, thirty days and the calendar. None is of the whole workspace: ``bench.limits`` measures that one."""
    windows: list[dict[str, Any]] = [
        {"rolling_seconds": 3_600}, {"rolling_seconds": DAY}, {"rolling_seconds": 7 * DAY},
        {"rolling_seconds": 30 * DAY}, {"calendar": "day"}, {"calendar": "month"},
    ]  # fmt: skip
    kinds = [(by, measure) for by in ("customer", "account") for measure in ("sum", "count", "distinct_counterparties")]
    asked = list(itertools.islice(itertools.product(kinds, windows), 0, None, 2))[:18]
    asked += [(("corridor", "sum"), windows[1]), (("corridor", "count"), windows[2])]
    return [
        {
            "name": f"bench.limit_{place}", "action": "review", "reason": "as measured", "measure": measure, "by": by,
            "window": window, "limit": 10**14,
        }
        for place, ((by, measure), window) in enumerate(asked)
    ]  # fmt: skip


def _prepare(workspace: "TenantRef", document: dict[str, Any]) -> None:
    """Customers with accounts, and rules in force."""
    from django.db import connection

    from ledger.operations import open_account
    from policy.rules.documents import check_document
    from zentra.core import actors, clock
    from zentra.core.money import MAX_AMOUNT_MINOR
    from zentra.core.tenancy import tenant_work

    check_document(document)
    with tenant_work(workspace):
        for number in range(CUSTOMERS):
            open_account(
                code=f"c{number}", customer=f"cust_{number}", account_type="customer", currency="USD",
                floor_minor=-MAX_AMOUNT_MINOR, actor=actors.LEDGER, now=clock.now(),
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO policy_rule_set (version, rules, published_at, published_by)"
                " VALUES (2, %s, now(), 'bench')",
                [json.dumps(document)],
            )


def _load(workspace: "TenantRef") -> float:
    """Seconds that it took."""
    from zentra.core import ids

    began = time.perf_counter()
    with connect(workspace.schema, as_owner=True) as owner:
        accounts = owner.execute(
            "SELECT id FROM ledger_account WHERE customer LIKE 'cust_%' ORDER BY substr(customer, 6)::int"
        ).fetchall()
        owner.execute(
            _LOADED.encode(),
            {"accounts": [ids.to_public("acct", account) for (account,) in accounts], "movements": PAST},
        )
        owner.execute("VACUUM (ANALYZE) policy_movement")
    return time.perf_counter() - began


if __name__ == "__main__":
    measure()
