"""A ledger in plain Python, written from what the product promises: what the machines hold the real one against.

Amounts are minor units. ``change`` is credits − debits. Nothing here knows how the database does it; where the product
leaves the order of two refusals open, all that may come are given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ledger import errors
from zentra.core.errors import DomainError

Direction = Literal["debit", "credit"]
Refusals = frozenset[type[DomainError]]
NONE: Refusals = frozenset()


@dataclass(frozen=True)
class Move:
    """One entry. ``floor``: what it asks to be left; "waived": nothing."""

    account: str
    direction: Direction
    amount: int
    floor: int | Literal["waived"] | None = None

    @property
    def change(self) -> int:
        return self.amount if self.direction == "credit" else -self.amount

    def turned(self) -> Move:
        return Move(self.account, "credit" if self.direction == "debit" else "debit", self.amount)


@dataclass(frozen=True)
class Step:
    """A posting: its entries count as posted, as pending, or take what is pending away."""

    moves: tuple[Move, ...]
    state: Literal["posted", "pending", "released"] = "posted"

    def effect(self, move: Move) -> tuple[int, int, int]:
        """(posted change, pending debits, pending credits) of one of its entries."""
        if self.state == "posted":
            return move.change, 0, 0
        entry = move if self.state == "pending" else move.turned()
        sign = 1 if self.state == "pending" else -1
        debit = entry.direction == "debit"
        return 0, sign * entry.amount * debit, sign * entry.amount * (not debit)


@dataclass
class Account:
    """What an account is and every entry that it has had."""

    code: str
    normal: Direction = "credit"
    immediate: bool = True
    floor: int | None = None
    ceiling: int | None = None
    state: Literal["active", "frozen", "closed"] = "active"
    posted: int = 0
    pending: list[int] = field(default_factory=lambda: [0, 0])  # debits, credits
    entries: int = 0
    history: list[tuple[int, int, int, int]] = field(default_factory=list)  # change, balance, pending debits, credits
    waiting: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def side(self) -> int:
        return 1 if self.normal == "credit" else -1

    @property
    def available(self) -> int:
        return self.posted * self.side - self.pending[0 if self.normal == "credit" else 1]

    @property
    def highest(self) -> int:
        return self.posted * self.side + self.pending[1 if self.normal == "credit" else 0]

    @property
    def is_empty(self) -> bool:
        return (self.posted, *self.pending) == (0, 0, 0)

    def count(self, effect: tuple[int, int, int], *, at_once: bool) -> None:
        change, debits, credits_ = effect
        self.posted += change
        self.pending[0] += debits
        self.pending[1] += credits_
        self.entries += 1
        if at_once:
            self.place(effect)
        else:
            self.waiting.append(effect)

    def place(self, effect: tuple[int, int, int]) -> None:
        _, balance, debits, credits_ = self.history[-1] if self.history else (0, 0, 0, 0)
        self.history.append((effect[0], balance + effect[0], debits + effect[1], credits_ + effect[2]))


@dataclass
class Hold:
    """What is reserved."""

    moves: tuple[Move, ...]  # as they were placed, of one unit for a hold on an account
    is_whole: bool  # a two-phase posting
    amount: int
    expires_at: datetime | None
    captured: int = 0
    released: int = 0
    state: Literal["held", "captured", "released", "expired"] = "held"

    @property
    def left(self) -> int:
        return self.amount - self.captured - self.released

    def told(self) -> tuple[int, int, int, str]:
        return self.amount, self.captured, self.released, self.state


@dataclass
class Written:
    """A posting that stands, and how much of each of its entries is taken back."""

    moves: tuple[Move, ...]
    is_reversal: bool = False
    taken: Counter[tuple[str, Direction]] = field(default_factory=Counter)

    def moved(self) -> Counter[tuple[str, Direction]]:
        found: Counter[tuple[str, Direction]] = Counter()
        for move in self.moves:
            found[move.account, move.direction] += move.amount
        return found

    def left(self) -> tuple[Move, ...]:
        """The entries that would take back all that is left."""
        taken, found = Counter(self.taken), []
        for move in self.moves:
            covered = min(taken[move.account, move.direction], move.amount)
            taken[move.account, move.direction] -= covered
            if move.amount > covered:
                found.append(Move(move.account, move.direction, move.amount - covered).turned())
        return tuple(found)

    def refusal_of(self, moves: Sequence[Move]) -> Refusals:
        if self.is_reversal:
            return frozenset([errors.ReversalOfReversal])
        asked = Counter(self.taken)
        for move in moves:
            turned = move.turned()
            asked[turned.account, turned.direction] += move.amount
        if all(asked[key] <= self.moved()[key] for key in asked):
            return NONE
        return frozenset([errors.OverReversal if self.left() else errors.AlreadyReversed])

    def take(self, moves: Sequence[Move]) -> None:
        for move in moves:
            turned = move.turned()
            self.taken[turned.account, turned.direction] += move.amount


@dataclass
class Model:
    """The whole ledger."""

    accounts: dict[str, Account]

    def refusal(self, steps: Sequence[Step]) -> Refusals:
        """Why a call would be refused: an account's state is told before a limit that is not met."""
        for step in steps:
            for move in step.moves:
                state = self.accounts[move.account].state
                if state == "closed":
                    return frozenset([errors.AccountClosed])
                if state == "frozen" and step.state != "released":
                    return frozenset([errors.AccountFrozen])
        for code in self.accounts:
            found = self._beyond(self.accounts[code], steps)
            if found:
                return found
        return NONE

    def _beyond(self, account: Account, steps: Sequence[Step]) -> Refusals:
        """Limits are looked at after each posting of the call, on accounts that are locked by it."""
        own = [[move for move in step.moves if move.account == account.code] for step in steps]
        if not account.immediate and not any(move.floor is not None for moves in own for move in moves):
            return NONE
        available, highest, found = account.available, account.highest, set[type[DomainError]]()
        for step, moves in zip(steps, own, strict=True):
            effects = [step.effect(move) for move in moves]
            posted = sum(effect[0] for effect in effects) * account.side
            out, into = (1, 2) if account.normal == "credit" else (2, 1)
            taken, added = sum(effect[out] for effect in effects) - posted, sum(e[into] for e in effects) + posted
            available, highest = available - taken, highest + added
            floors = [floor for move in moves if (floor := self._floor(account, step, move)) is not None]
            if floors and taken > 0 and available < max(floors):
                found.add(errors.InsufficientFunds)
            elif account.ceiling is not None and added > 0 and highest > account.ceiling:
                found.add(errors.BalanceLimitExceeded)
        return frozenset(found)

    @staticmethod
    def _floor(account: Account, step: Step, move: Move) -> int | None:
        if move.floor == "waived":
            return 0 if step.state == "pending" else None
        floor = account.floor if move.floor is None else move.floor
        return floor if floor is None or step.state != "pending" else max(floor, 0)

    def write(self, steps: Sequence[Step]) -> None:
        """Count what is allowed."""
        for step in steps:
            for move in step.moves:
                account = self.accounts[move.account]
                account.count(step.effect(move), at_once=account.immediate or move.floor is not None)

    def sequence(self, limit: int) -> int:
        """Give the first that wait their places, account by account; how many."""
        placed = 0
        for account in self.accounts.values():
            while account.waiting and placed < limit:
                account.place(account.waiting.pop(0))
                placed += 1
        return placed


def cover(account: Account) -> int | None:
    """What the taking side of a hold asks for where the account has no floor of its own: that the funds are there."""
    return 0 if account.floor is None else None


def scaled(moves: Sequence[Move], amount: int) -> tuple[Move, ...]:
    """The entries of a hold for another amount, asking for no cover."""
    return tuple(Move(move.account, move.direction, amount) for move in moves)


def turned(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The entries that take others away."""
    return tuple(move.turned() for move in moves)
