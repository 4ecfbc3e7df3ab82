"""Any order of posting, holding, capturing, releasing, expiring, reversing, freezing, closing is what the model is.

Every refusal is predicted by its type, and after every step all balances, holds, versions, running balances and
pending columns are those of the model.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import errors, operations
from ledger.types import Bound, Line, Posted
from tests.ledger.book import Book, item
from tests.ledger.modelled import NONE, Account, Hold, Model, Move, Refusals, Step, Written, cover, scaled, turned
from zentra.core import actors, clock, ids
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work

CODES = st.sampled_from(["a", "b", "c", "d", "h", "s"])
AMOUNTS = st.integers(1, 150)
POSITIONS = """
SELECT a.code, n.version, n.delta_minor, n.balance_after_minor, n.pending_debits_after, n.pending_credits_after
  FROM ledger_entry_position n JOIN ledger_account a ON a.id = n.account_id
 WHERE a.id = ANY (%s::uuid[]) ORDER BY a.id, n.version
"""


def accounts() -> dict[str, Account]:
    """In the order in which they are opened."""
    return {
        "a": Account("a", floor=0),
        "b": Account("b", floor=-100),
        "c": Account("c"),
        "d": Account("d", normal="debit", floor=0),
        "h": Account("h", immediate=False),
        "s": Account("s", immediate=False),
    }


def line(move: Move) -> Line:
    """A model's entry as the ledger is told it."""
    assert move.floor is None
    return Line(move.account, move.direction, move.amount)


class LifecycleMachine(RuleBasedStateMachine):
    """Each rule does one thing to both."""

    make_workspace: Callable[[], TenantRef]

    @initialize()
    def begin(self) -> None:
        self.book, self.model, self.now = Book(type(self).make_workspace()), Model(accounts()), clock.now()
        while self.book.sequence():
            pass
        self.ids = {code: self.open(account) for code, account in self.model.accounts.items()}
        self.keys = [ids.to_uuid(account, prefix="acct") for account in self.ids.values()]
        self.holds: dict[str, Hold] = {}
        self.written: list[tuple[Posted, Written]] = []
        for code in ("a", "b", "c", "h"):
            self.move("s", code, 300)

    def open(self, account: Account) -> str:
        with tenant_work(self.book.workspace):
            return operations.open_account(
                code=account.code,
                account_type="customer" if account.normal == "credit" else "bank",
                currency="USD",
                sequencing="immediate" if account.immediate else "deferred",
                floor_minor=account.floor,
                actor=actors.LEDGER,
                now=clock.now(),
            ).id

    # -- Doing the same thing to both ----------------------------------------------------------------------------------

    def tell(self, refusals: Refusals, steps: Sequence[Step], call: Callable[[], Any]) -> Any:
        """Do it where the model allows it; else be refused for the model's reason."""
        refusals = refusals or self.model.refusal(steps)
        if refusals:
            with pytest.raises(DomainError) as caught:
                call()
            assert type(caught.value) in refusals, (type(caught.value), refusals)
            return None
        done = call()
        self.model.write(steps)
        return done

    def post(self, moves: Sequence[Move], **more: Any) -> Posted | None:
        posted: Posted | None = self.tell(
            NONE, [Step(tuple(moves))], lambda: self.book.post([line(move) for move in moves], **more)
        )
        if posted is not None:
            self.written.append((posted, Written(tuple(moves))))
        return posted

    def drawn_hold(self, data: st.DataObject) -> tuple[str, Hold]:
        open_ones = [hold_id for hold_id, hold in self.holds.items() if hold.state == "held"]
        # Mostly one that is open.
        hold_id = data.draw(st.sampled_from(open_ones * 5 + list(self.holds)))
        return hold_id, self.holds[hold_id]

    # -- Postings ------------------------------------------------------------------------------------------------------

    @rule(debit=CODES, credit=CODES, amount=AMOUNTS)
    def move(self, debit: str, credit: str, amount: int) -> None:
        self.post([Move(debit, "debit", amount), Move(credit, "credit", amount)])

    @rule(debits=st.lists(st.tuples(CODES, AMOUNTS), min_size=1, max_size=3), credits_=st.lists(CODES, max_size=2))
    def collect(self, debits: list[tuple[str, int]], credits_: list[str]) -> None:
        total = sum(amount for _, amount in debits)
        moves = [Move(code, "debit", amount) for code, amount in debits]
        moves += [Move(code, "credit", 1) for code in credits_ if total > len(credits_)]
        moves.append(Move("s", "credit", total - (len(moves) - len(debits))))
        self.post(moves)

    @rule(debit=CODES, credit=CODES, amount=AMOUNTS, late=st.booleans(), least=st.integers(-100, 300))
    def move_on_conditions(self, debit: str, credit: str, amount: int, late: bool, least: int) -> None:
        if debit == credit:
            return
        account = self.model.accounts[debit]
        after = account.available - amount * account.side
        refusals = frozenset([errors.StaleAccount]) if late else NONE
        moves = (Move(debit, "debit", amount), Move(credit, "credit", amount))
        if not refusals and not self.model.refusal([Step(moves)]) and after < least:
            refusals = frozenset([errors.ConditionFailed])
        bounds = (Bound("available", at_least_minor=least),)
        asked = [
            Line(debit, "debit", amount, lock_version=account.entries - late, bounds=bounds),
            Line(credit, "credit", amount),
        ]
        self.tell(refusals, [Step(moves)], lambda: self.book.post(asked))

    @rule(pairs=st.lists(st.tuples(CODES, CODES, AMOUNTS), min_size=1, max_size=4), is_atomic=st.booleans())
    def batch(self, pairs: list[tuple[str, str, int]], is_atomic: bool) -> None:
        steps = [Step((Move(debit, "debit", n), Move(credit, "credit", n))) for debit, credit, n in pairs]
        items = [item([line(move) for move in step.moves]) for step in steps]
        trial, expected = Model(_copied(self.model.accounts)), list[Refusals]()
        for step in steps:
            expected.append(trial.refusal([step]))
            if not expected[-1]:
                trial.write([step])
        if is_atomic and any(expected):
            with pytest.raises(errors.BatchRefused) as caught:
                self.book.batch(items, is_atomic=True)
            place = next(place for place, refusals in enumerate(expected) if refusals)
            assert caught.value.extra["index"] == place
            assert caught.value.extra["refused_code"] in {refusal.code for refusal in expected[place]}
            return
        for step, refusals, answer in zip(steps, expected, self.book.batch(items, is_atomic=is_atomic), strict=True):
            assert (type(answer) in refusals) if refusals else isinstance(answer, Posted)
            if not refusals:
                self.model.write([step])

    # -- Undoing -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.written)
    @rule(data=st.data(), part=st.none() | AMOUNTS)
    def reverse(self, data: st.DataObject, part: int | None) -> None:
        posted, written = data.draw(st.sampled_from(self.written), label="of")
        moves = (
            written.left()
            if part is None
            else tuple(Move(m.account, m.direction, part).turned() for m in written.moves)
        )
        refusals = written.refusal_of(moves)
        if written.is_reversal:
            pass
        elif part is None and not moves:
            refusals = frozenset([errors.AlreadyReversed])
        elif part is not None and len(written.moves) != 2:
            refusals = frozenset([errors.InvalidPosting])
        reversal = self.tell(refusals, [Step(moves)], lambda: self.book.reverse(posted, amount_minor=part))
        if reversal is not None:
            written.take(moves)
            self.written.append((reversal, Written(moves, is_reversal=True)))

    @precondition(lambda self: self.written)
    @rule(data=st.data(), debit=CODES, credit=CODES, amount=AMOUNTS)
    def correct(self, data: st.DataObject, debit: str, credit: str, amount: int) -> None:
        posted, written = data.draw(st.sampled_from(self.written), label="of")
        back, anew = written.left(), (Move(debit, "debit", amount), Move(credit, "credit", amount))
        refusals = NONE if back else frozenset([errors.AlreadyReversed])
        refusals = frozenset([errors.ReversalOfReversal]) if written.is_reversal else refusals
        done = self.tell(
            refusals, [Step(back), Step(anew)], lambda: self.book.correct(posted, [line(move) for move in anew])
        )
        if done is not None:
            written.take(back)
            self.written += [(done[0], Written(back, is_reversal=True)), (done[1], Written(anew))]

    # -- Holds ---------------------------------------------------------------------------------------------------------

    @rule(code=CODES, into=CODES, amount=AMOUNTS, minutes=st.none() | st.integers(1, 30))
    def hold(self, code: str, into: str, amount: int, minutes: int | None) -> None:
        account = self.model.accounts[code]
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        out = Move(code, "debit" if account.normal == "credit" else "credit", amount, floor=cover(account))
        moves = (out, Move(into, out.turned().direction, amount))
        refusals = frozenset([errors.InvalidHold]) if code == into else NONE
        placed = self.tell(
            refusals,
            [Step(moves, "pending")],
            lambda: self.book.hold(code, amount, destination=into, expires_at=expires_at, now=self.now),
        )
        if placed is not None:
            self.holds[placed.id] = Hold(moves, is_whole=False, amount=amount, expires_at=expires_at)

    @rule(debits=st.lists(st.tuples(CODES, AMOUNTS), min_size=1, max_size=2), credit=CODES)
    def hold_posting(self, debits: list[tuple[str, int]], credit: str) -> None:
        total = sum(amount for _, amount in debits)
        moves = (*(Move(code, "debit", amount) for code, amount in debits), Move(credit, "credit", total))
        refusals = frozenset([errors.InvalidHold]) if debits[0][0] == credit else NONE
        placed = self.tell(
            refusals, [Step(moves, "pending")], lambda: self.book.two_phase([line(move) for move in moves])
        )
        if placed is not None:
            self.holds[placed.id] = Hold(moves, is_whole=True, amount=total, expires_at=None)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=AMOUNTS)
    def increase(self, data: st.DataObject, amount: int) -> None:
        hold_id, hold = self.drawn_hold(data)
        account = self.model.accounts[hold.moves[0].account]
        more = tuple(
            Move(move.account, move.direction, amount, None if place else cover(account))
            for place, move in enumerate(hold.moves)
        )
        refusals = frozenset([errors.InvalidHold]) if hold.is_whole else NONE
        refusals = refusals if hold.state == "held" else frozenset([errors.HoldClosed])
        if self.tell(refusals, [Step(more, "pending")], lambda: self.book.increase(hold_id, amount)) is not None:
            hold.amount += amount

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.none() | AMOUNTS, into=st.none() | CODES, gives_back=st.booleans())
    def capture(self, data: st.DataObject, amount: int | None, into: str | None, gives_back: bool) -> None:
        hold_id, hold = self.drawn_hold(data)
        asked = hold.left if amount is None else amount
        freed = hold.left if gives_back or hold.is_whole else asked
        target = hold.moves[-1].account if into is None or hold.is_whole else into
        if hold.is_whole:
            free, moved = turned(hold.moves), hold.moves
        else:
            free = turned(scaled(hold.moves, freed))
            moved = (hold.moves[0], Move(target, hold.moves[1].direction, 1))
            moved = tuple(Move(move.account, move.direction, asked) for move in moved)
        immediate = {code for code, account in self.model.accounts.items() if account.immediate}
        moved = tuple(
            Move(move.account, move.direction, move.amount, "waived" if move.account in immediate else None)
            for move in moved
        )
        refusals = self._refused_part(hold, asked, errors.OverCapture)
        if not refusals and target == hold.moves[0].account and not hold.is_whole:
            refusals = frozenset([errors.InvalidHold])
        if not refusals and hold.is_whole and into is not None:  # it goes where its entries say
            refusals = frozenset([errors.InvalidHold])
        call = {"release_rest": gives_back, **({} if into is None else {"destination": into})}
        steps = [Step(free, "released"), Step(moved)]
        if self.tell(refusals, steps, lambda: self.book.capture(hold_id, amount, **call)) is not None:
            hold.captured += asked
            hold.released += freed - asked
            hold.state = "held" if hold.left else "captured"

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.none() | AMOUNTS)
    def release(self, data: st.DataObject, amount: int | None) -> None:
        hold_id, hold = self.drawn_hold(data)
        asked = hold.left if amount is None else amount
        refusals = self._refused_part(hold, asked, errors.OverRelease)
        moves = hold.moves if hold.is_whole else scaled(hold.moves, asked)
        if self.tell(refusals, [Step(turned(moves), "released")], lambda: self.book.release(hold_id, amount)):
            hold.released += asked
            hold.state = "held" if hold.left else "released"

    @staticmethod
    def _refused_part(hold: Hold, asked: int, over: type[DomainError]) -> Refusals:
        if hold.state != "held":
            return frozenset([errors.HoldClosed])
        if asked > hold.left:
            return frozenset([over])
        return frozenset([errors.InvalidHold]) if hold.is_whole and asked != hold.left else NONE

    @rule(minutes=st.integers(0, 20))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        due = [h for h in self.holds.values() if h.state == "held" and h.expires_at and h.expires_at <= self.now]
        assert self.book.expire(now=self.now) == len(due)
        for hold in sorted(due, key=lambda hold: (hold.expires_at, list(self.holds.values()).index(hold))):
            moves = hold.moves if hold.is_whole else scaled(hold.moves, hold.left)
            self.model.write([Step(turned(moves), "released")])
            hold.released, hold.state = hold.amount - hold.captured, "expired"

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), minutes=st.none() | st.integers(-1, 30))
    def extend(self, data: st.DataObject, minutes: int | None) -> None:
        hold_id, hold = self.drawn_hold(data)
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        is_earlier = expires_at is not None and hold.expires_at is not None and expires_at < hold.expires_at
        refusals = frozenset([errors.InvalidHold]) if is_earlier else NONE
        refusals = refusals if hold.state == "held" else frozenset([errors.HoldClosed])
        refusals = frozenset([errors.InvalidHold]) if minutes is not None and minutes <= 0 else refusals
        if self.tell(refusals, [], lambda: self.book.extend(hold_id, expires_at, now=self.now)):
            hold.expires_at = expires_at

    # -- Accounts ------------------------------------------------------------------------------------------------------

    @rule(code=CODES, to=st.sampled_from(["frozen", "active", "active", "active", "closed"]))
    def change_state(self, code: str, to: Any) -> None:
        account = self.model.accounts[code]
        refusals = frozenset([errors.AccountNotEmpty]) if to == "closed" and not account.is_empty else NONE
        refusals = frozenset([errors.AccountClosed]) if account.state == "closed" else refusals
        call = {"frozen": self.book.freeze, "active": self.book.unfreeze, "closed": self.book.close}[to]
        if self.tell(refusals, [], lambda: call(self.ids[code])):
            account.state = to

    @rule(code=CODES)
    def empty_and_close(self, code: str) -> None:
        account = self.model.accounts[code]
        if code == "s" or not account.posted:
            return
        directions: Any = ("debit", "credit") if account.posted > 0 else ("credit", "debit")
        self.post([Move(code, directions[0], abs(account.posted)), Move("s", directions[1], abs(account.posted))])
        self.change_state(code=code, to="closed")

    @rule(code=CODES, floor=st.none() | st.integers(-200, 100), room=st.none() | st.integers(0, 400))
    def limit(self, code: str, floor: int | None, room: int | None) -> None:
        account, ceiling = self.model.accounts[code], None if room is None else (floor or 0) + room
        refusals = NONE
        if not account.immediate and (floor is not None or ceiling is not None):
            refusals = frozenset([errors.LimitsNotAllowed])
        refusals = frozenset([errors.AccountClosed]) if account.state == "closed" else refusals
        if self.tell(refusals, [], lambda: self.book.limit(self.ids[code], floor=floor, ceiling=ceiling)):
            account.floor, account.ceiling = floor, ceiling

    @rule(limit=st.integers(1, 9))
    def sequence(self, limit: int) -> None:
        assert self.book.sequence(limit=limit) == self.model.sequence(limit)

    # -- What must be equal --------------------------------------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "book"):
            return
        for code, account in self.model.accounts.items():
            real = self.book.balances(self.ids[code])
            assert (real.net_minor, real.pending_debits, real.pending_credits, real.available_minor) == (
                account.posted,
                *account.pending,
                account.available,
            ), code
            assert (real.lock_version, real.version) == (account.entries, len(account.history)), code
        assert self.book.sql(POSITIONS, [self.keys]) == [
            (code, version, *after)
            for code, account in self.model.accounts.items()
            for version, after in enumerate(account.history, 1)
        ]
        found = self.book.sql("SELECT id, amount_minor, captured_minor, released_minor, state FROM ledger_hold")
        assert {ids.to_public("hold", key): tuple(rest) for key, *rest in found} == {
            hold_id: hold.told() for hold_id, hold in self.holds.items()
        }
        assert (self.book.drift(), self.book.diverging()) == ({"USD": 0}, 0)


def _copied(accounts: dict[str, Account]) -> dict[str, Account]:
    return {
        code: Account(
            code, each.normal, each.immediate, each.floor, each.ceiling, each.state, each.posted, list(each.pending)
        )
        for code, each in accounts.items()
    }


def test_any_life_of_a_ledger_is_that_of_the_model(make_workspace: Callable[[], TenantRef]) -> None:
    machine = type("Machine", (LifecycleMachine,), {"make_workspace": staticmethod(make_workspace)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A step takes a dozen round trips: shrinking forty of them would take minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
