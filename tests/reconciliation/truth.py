"""Random ledgers and statements whose truth is known: groups of entries and lines that are the same money, with noise.

Each group has a shape (one to one, split, batch, fee) and at most one kind of noise. The truth of a group is what it
is before noise took, doubled or changed a part of it; where noise left nothing to find, there is none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tests.reconciliation.matchbook import MONDAY

SHAPES: Final = ("pair", "split_lines", "split_entries", "batch_lines", "batch_entries", "gross")
NOISES: Final = (
    "clean", "spelling", "shift_small", "shift_large", "resent", "booked_twice", "posted_twice", "other_amount",
    "reference_lost", "reference_typed", "line_lost", "entry_lost", "other_currency", "part_lost", "stray", "recurring",
)  # fmt: skip
FOUND: Final = ("clean", "spelling", "shift_small", "stray")
"""Noise through which each group is still found, whatever its shape."""
_NOTHING_LEFT: Final = ("line_lost", "entry_lost", "part_lost")
APART: Final = timedelta(days=28)


@dataclass(frozen=True)
class Group:
    """One piece of money as it was meant."""

    shape: str
    noise: str
    amount: int
    parts: int
    day: int
    salt: int = 0


@dataclass
class World:
    """Lines and entries to write, and which of them are the same money. Numbers stand for places in the lists."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[tuple[frozenset[int], frozenset[int]], tuple[str, str]] = field(default_factory=dict)
    twins: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))
    """Lines and entries that stand there twice: either one is the money, and no match may hold both."""

    def add(self, group: Group, number: int) -> None:
        """Put a group's lines and entries in, noise and all."""
        lines, entries = _shape(group, f"INV-{20_260_000 + number}")
        self._put(group, *_noisy(group, lines, entries))
        if group.noise == "recurring" and group.shape == "pair":
            # The same reference and amount again, so far away that no date window reaches over.
            later = [[{**each, "on": each["on"] + APART} for each in rows] for rows in (lines, entries)]
            self._put(group, *later)

    def _put(self, group: Group, lines: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
        mine = self._place(self.lines, lines, self.twins[0]), self._place(self.entries, entries, self.twins[1])
        if all(mine) and group.noise not in _NOTHING_LEFT:
            self.truth[mine] = (group.shape, group.noise)

    @staticmethod
    def _place(kept: list[dict[str, Any]], rows: list[dict[str, Any]], twins: dict[int, int]) -> frozenset[int]:
        mine, first = [], len(kept)
        for row in rows:
            place, twin = len(kept), row.get("twin")
            kept.append({name: value for name, value in row.items() if name not in ("is_noise", "twin")})
            if twin is not None:
                twins[place] = first + next(number for number, each in enumerate(rows) if each is twin)
            elif not row.get("is_noise"):
                mine.append(place)
        return frozenset(mine)

    def meant(self, lines: Iterable[int], entries: Iterable[int]) -> tuple[frozenset[int], frozenset[int]] | None:
        """What a match of these places means; None where it holds something together with its twin."""
        both = [list(lines), list(entries)]
        told = [
            frozenset(twins.get(each, each) for each in places) for places, twins in zip(both, self.twins, strict=True)
        ]
        if any(len(group) < len(places) for group, places in zip(told, both, strict=True)):
            return None
        return told[0], told[1]


def _shape(group: Group, reference: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    day = MONDAY + timedelta(days=group.day)
    whole = {"amount": group.amount, "reference": reference, "on": day}
    amounts = _divide(group.amount, group.parts)
    same = [{**whole, "amount": amount} for amount in amounts]
    members = [{**each, "reference": f"{reference}-M{place}", "batch": reference} for place, each in enumerate(same)]
    shapes: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
        "pair": ([dict(whole)], [dict(whole)]),
        "split_lines": (same, [dict(whole)]),
        "split_entries": ([dict(whole)], same),
        "batch_lines": (members, [dict(whole)]),
        "batch_entries": ([dict(whole)], members),
        "gross": ([{**whole, "amount": group.amount - group.amount // 50 - 1, "gross": group.amount}], [dict(whole)]),
    }
    return shapes[group.shape]


def _divide(amount: int, parts: int) -> list[int]:
    """Parts that differ from each other and from the whole."""
    each = amount // (parts * 2)
    first = [each + place for place in range(parts - 1)]
    return [*first, amount - sum(first)]


@dataclass
class _Rows:
    """A group's rows while noise is at them; ``one`` is a line of it."""

    lines: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    one: dict[str, Any]
    chance: random.Random
    salt: int

    def each(self, **change: Any) -> None:
        """Change every line."""
        for line in self.lines:
            line.update(change)


def _spell(rows: _Rows) -> None:
    for each in rows.lines:
        each["reference"] = f" {each['reference'].lower().replace('-', rows.chance.choice(['/', ' ', '', '.']))} "


def _shift(days: Sequence[int]) -> Callable[[_Rows], None]:
    def shift(rows: _Rows) -> None:
        for each in rows.lines:
            each["on"] += timedelta(days=rows.chance.choice(days))

    return shift


def _other_amount(rows: _Rows) -> None:
    rows.one["amount"] += rows.chance.choice([-7, -1, 1, 13])
    if "gross" in rows.one:
        rows.one["gross"] += 5


def _lose_reference(rows: _Rows) -> None:
    for each in rows.lines:
        each["reference"] = rows.chance.choice(["", "NOTPROVIDED", "NONREF"])
        each.pop("batch", None)


def _mistype(rows: _Rows) -> None:
    for each in rows.lines:
        each["reference"] = each["reference"].replace("INV-2026", "INV-2062")
        each.pop("batch", None)


def _lose_part(rows: _Rows) -> None:
    del (rows.lines if len(rows.lines) > 1 else rows.entries)[-1]


def _stray(rows: _Rows) -> None:
    """Other money of the same amount on the same day: a line without a reference, an entry with one of its own."""
    same = {"amount": rows.one["amount"], "on": rows.one["on"], "is_noise": True}
    rows.lines.append(same)
    rows.entries.append({**same, "reference": f"X{rows.salt}"})


_NOISE: Final[dict[str, Callable[[_Rows], None]]] = {
    "spelling": _spell,
    "shift_small": _shift([-1, 1, 2]),
    "shift_large": _shift([12, 15]),
    "resent": lambda rows: rows.lines.append({**rows.one, "twin": rows.one, "resent": True}),
    "booked_twice": lambda rows: rows.lines.append({**rows.one, "twin": rows.one}),
    "posted_twice": lambda rows: rows.entries.append({**rows.entries[-1], "twin": rows.entries[-1]}),
    "other_amount": _other_amount,
    "reference_lost": _lose_reference,
    "reference_typed": _mistype,
    "line_lost": lambda rows: rows.lines.clear(),
    "entry_lost": lambda rows: rows.entries.clear(),
    "other_currency": lambda rows: rows.each(currency="EUR"),
    "part_lost": _lose_part,
    "stray": _stray,
}


def _noisy(group: Group, lines: list[dict[str, Any]], entries: list[dict[str, Any]]) -> tuple[Any, Any]:
    chance = random.Random(group.salt)
    rows = _Rows([dict(each) for each in lines], [dict(each) for each in entries], {}, chance, group.salt)
    rows.one = chance.choice(rows.lines)
    if group.noise in _NOISE:
        _NOISE[group.noise](rows)
    return rows.lines, rows.entries


def make_world(groups: Sequence[Group]) -> World:
    """The lines and entries of these groups, in an order of their own."""
    world = World()
    for number, group in enumerate(groups):
        world.add(group, number)
    return world


def random_groups(count: int, *, seed: int) -> list[Group]:
    """Groups of every shape and noise."""
    chance = random.Random(seed)
    return [
        Group(
            shape=SHAPES[number % len(SHAPES)],
            noise=NOISES[(number // len(SHAPES)) % len(NOISES)],
            amount=chance.choice([10_000, 10_000, 25_000, chance.randint(1_000, 900_000)]),
            parts=chance.randint(2, 4),
            day=chance.randint(0, 20),
            salt=number + 1,
        )
        for number in range(count)
    ]


def last_day(world: World) -> date:
    """The last day of anything."""
    days: list[date] = [each["on"] for each in (*world.lines, *world.entries)]
    return max(days)
