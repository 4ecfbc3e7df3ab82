"""Arbitrary programs from several connections at once: the ledger that comes out is that of some order of them.

Each program is a list of operations; the programs race. Afterwards every promise about a ledger at rest is held
against it, and where the programs are short, all orders that keep each program's own are tried in the model: one of
them must give the same answers and the same balances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger import errors, operations
from ledger.types import Posted
from tests.ledger.book import Book, at_once, pair
from tests.ledger.modelled import NONE, Account, Hold, Model, Move, Refusals, Step, scaled, turned
from tests.ledger.whole import assert_whole
from zentra.core import actors, clock, ids
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work

CODES = ("a", "b", "h")
OPENING, HELD = 100, 60


@dataclass(frozen=True)
class Act:
    """One operation: on the ledger by ``Racer``, on the model by ``predicted``."""

    kind: str
    debit: str = "a"
    credit: str = "b"
    amount: int = 0


@dataclass
class World:
    """A model with its one hold, its one reversible posting and its one key."""

    model: Model
    hold: Hold
    reversed: int = 0
    is_paid: bool = False


ACTS = st.one_of(
    st.builds(Act, st.just("move"), st.sampled_from(CODES), st.sampled_from(CODES), st.integers(1, 120)),
    st.builds(Act, st.sampled_from(["capture", "release", "reverse"]), amount=st.integers(1, 70)),
    st.builds(Act, st.sampled_from(["freeze", "unfreeze", "capture all", "pay once", "sequence"])),
)
PROGRAMS = st.lists(st.lists(ACTS, min_size=1, max_size=3), min_size=2, max_size=3)


def new_world() -> World:
    """a: 40 available and 60 held for b; b may be overdrawn by 50; h is hot; 30 of the funding may be reversed."""
    model = Model({"a": Account("a", floor=0), "b": Account("b", floor=-50), "h": Account("h", immediate=False)})
    model.write([Step((Move("a", "credit", OPENING),)), Step((Move("b", "credit", 30), Move("h", "debit", 30)))])
    held = (Move("a", "debit", 1), Move("b", "credit", 1))
    model.write([Step(scaled(held, HELD), "pending")])
    return World(model, Hold(held, is_whole=False, amount=HELD, expires_at=None))


def predicted(world: World, act: Act) -> Refusals:
    """What an operation does to the model, or why it is refused."""
    asked = act.amount or world.hold.left
    refusals = refused_before(world, act, asked)
    if refusals:
        return refusals
    if act.kind in {"freeze", "unfreeze"}:
        world.model.accounts["h"].state = "frozen" if act.kind == "freeze" else "active"
    steps = steps_of(world, act, asked)
    refusals = world.model.refusal(steps)
    if not refusals:
        world.model.write(steps)
        _remember(world, act, asked)
    return refusals


def refused_before(world: World, act: Act, asked: int) -> Refusals:
    """What the hold or the posting itself says, before any account is looked at."""
    if act.kind == "reverse" and world.reversed + asked > 30:
        return frozenset([errors.AlreadyReversed if world.reversed == 30 else errors.OverReversal])
    if act.kind not in {"capture", "capture all", "release"}:
        return NONE
    if world.hold.state != "held":
        return frozenset([errors.HoldClosed])
    over = errors.OverRelease if act.kind == "release" else errors.OverCapture
    return frozenset([over]) if asked > world.hold.left else NONE


def steps_of(world: World, act: Act, asked: int) -> list[Step]:
    """The postings of an operation."""
    free = Step(turned(scaled(world.hold.moves, asked)), "released")
    moved = Step(tuple(Move(each.account, each.direction, asked, "waived") for each in world.hold.moves))
    return {
        "move": [Step((Move(act.debit, "debit", act.amount), Move(act.credit, "credit", act.amount)))],
        "pay once": [] if world.is_paid else [Step((Move("b", "debit", 20), Move("h", "credit", 20)))],
        "reverse": [Step((Move("b", "debit", asked), Move("h", "credit", asked)))],
        "capture": [free, moved],
        "capture all": [free, moved],
        "release": [free],
    }.get(act.kind, [])


def _remember(world: World, act: Act, asked: int) -> None:
    world.is_paid |= act.kind == "pay once"
    world.reversed += asked if act.kind == "reverse" else 0
    if act.kind in {"capture", "capture all"}:
        world.hold.captured += asked
        world.hold.state = "held" if world.hold.left else "captured"
    elif act.kind == "release":
        world.hold.released += asked
        world.hold.state = "held" if world.hold.left else "released"


class Racer:
    """The ledger in the state of ``new_world``, and the operations on it."""

    def __init__(self, workspace: TenantRef) -> None:
        self.book, self.once = Book(workspace), ids.new_id("posting")
        self.hot = ""
        for code, floor in {"a": 0, "b": -50, "h": None}.items():
            self.hot = self.book.open(code, floor=floor)
        self.book.move("bank", "a", OPENING)
        self.funding = self.book.move("h", "b", 30)
        self.hold_id = self.book.hold("a", HELD, destination="b").id

    def do(self, act: Act) -> object:
        """Do it for real."""
        calls: dict[str, Callable[[], object]] = {
            "move": lambda: self.book.move(act.debit, act.credit, act.amount),
            "pay once": lambda: self.book.move("b", "h", 20, posting_id=self.once),
            "reverse": lambda: self.book.reverse(self.funding, amount_minor=act.amount),
            "capture": lambda: self.book.capture(self.hold_id, act.amount),
            "capture all": lambda: self.book.capture(self.hold_id),
            "release": lambda: self.book.release(self.hold_id, act.amount),
            "freeze": lambda: self.book.freeze(self.hot),
            "unfreeze": lambda: self.book.unfreeze(self.hot),
            "sequence": lambda: self.book.sequence(limit=2),
        }
        return calls[act.kind]()

    def run(self, program: Sequence[Act]) -> list[type[DomainError] | None]:
        """Do one after the other; the refusal of each, or None."""
        answers: list[type[DomainError] | None] = []
        for act in program:
            try:
                self.do(act)
                answers.append(None)
            except DomainError as error:
                answers.append(type(error))
        return answers

    def stands(self) -> dict[str, tuple[int, int, int]]:
        """Posted and pending of each account, and the hold."""
        found = {code: self.book.balances(code) for code in CODES}
        return {code: (each.net_minor, each.pending_debits, each.pending_credits) for code, each in found.items()}


Answers = list[list[type[DomainError] | None]]


def orders(world: World, programs: Sequence[Sequence[Act]], answers: Answers, at: tuple[int, ...]) -> Iterator[World]:
    """The worlds at the end of all orders that give these answers."""
    if all(place == len(program) for place, program in zip(at, programs, strict=True)):
        yield world
    for number, program in enumerate(programs):
        if at[number] == len(program):
            continue
        ahead = deepcopy(world)
        refusals = predicted(ahead, program[at[number]])
        answer = answers[number][at[number]]
        if (answer in refusals) if refusals else answer is None:
            yield from orders(ahead, programs, answers, (*at[:number], at[number] + 1, *at[number + 1 :]))


def test_racing_programs_give_what_some_order_of_them_gives(make_workspace: Callable[[], TenantRef]) -> None:
    @settings(
        max_examples=10, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a race that is run again is another race
    )  # fmt: skip
    @given(programs=PROGRAMS)
    def race(programs: list[list[Act]]) -> None:
        racer = Racer(make_workspace())
        calls: list[Callable[[], Any]] = [lambda program=program: racer.run(program) for program in programs]  # type: ignore[misc]

        answers: Any = at_once(calls, threads=len(programs))

        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        hold = racer.book.find_hold(racer.hold_id)
        found = (racer.stands(), (hold.amount_minor, hold.captured_minor, hold.released_minor, hold.state))
        possible = (
            ({code: (each.posted, *each.pending) for code, each in end.model.accounts.items()}, end.hold.told())
            for end in orders(new_world(), programs, answers, (0,) * len(programs))
        )
        assert any(each == found for each in possible), (programs, answers, found)
        racer.book.unfreeze(racer.hot)
        assert_whole(racer.book)

    race()


def test_long_programs_from_many_connections_leave_a_whole_ledger(make_workspace: Callable[[], TenantRef]) -> None:
    @settings(
        max_examples=3, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )  # fmt: skip
    @given(programs=st.lists(st.lists(ACTS, min_size=8, max_size=12), min_size=6, max_size=8))
    def race(programs: list[list[Act]]) -> None:
        racer = Racer(make_workspace())
        calls: list[Callable[[], Any]] = [lambda program=program: racer.run(program) for program in programs]  # type: ignore[misc]

        answers: Any = at_once(calls, threads=len(programs))

        refused = {answer for each in answers if isinstance(each, list) for answer in each}
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        assert not refused & {errors.UnbalancedPosting, errors.LedgerBusy}
        with tenant_work(racer.book.workspace):
            operations.unfreeze_account(account_id=racer.hot, reason="over", actor=actors.LEDGER, now=clock.now())
        once = at_once([lambda: racer.book.post(pair("b", "h", 20), posting_id=racer.once)] * 2, threads=2)
        assert all(isinstance(each, Posted | errors.InsufficientFunds) for each in once)
        rows = racer.book.sql(
            "SELECT count(*) FROM ledger_posting WHERE id = %s", [ids.to_uuid(racer.once, prefix="posting")]
        )
        assert rows[0][0] <= 1
        assert racer.book.balances("a").available_minor >= 0
        assert racer.book.balances("b").available_minor >= -50
        assert_whole(racer.book)

    race()
