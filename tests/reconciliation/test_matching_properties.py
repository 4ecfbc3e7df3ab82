"""Against random ledgers and statements whose truth is known: no confirmed match is ever false, and recall is told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.reconciliation.truth import FOUND, NOISES, SHAPES, Group, World, last_day, make_world, random_groups

if TYPE_CHECKING:
    from tests.reconciliation.matchbook import MatchBook
    from zentra.core.tenancy import TenantRef

GROUPS = st.lists(
    st.builds(
        Group,
        shape=st.sampled_from(SHAPES),
        noise=st.sampled_from(NOISES),
        amount=st.sampled_from([1_000, 1_000, 2_000, 5_000]),  # the same amounts everywhere
        parts=st.integers(2, 3),
        day=st.integers(0, 6),
        salt=st.integers(1, 1_000),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def make_book(workspace: TenantRef) -> MakeBook:
    from zentra.tenants.models import Workspace

    # Told fees of any size stand at a bank too: the more is confirmed, the more could be false.
    Workspace.objects.filter(id=workspace.id).update(settings={"match_approval_minor": 900_000_000})
    return MakeBook(workspace)


class MakeBook:
    """A fresh reconciled account for each example, in one workspace."""

    def __init__(self, workspace: TenantRef) -> None:
        self.workspace = workspace

    def __call__(self, kind: str) -> MatchBook:
        from tests.reconciliation.matchbook import MatchBook
        from zentra.core import ids

        return MatchBook(self.workspace, kind=kind, ledger_account=ids.new_id("acct"))


def play(book: MatchBook, world: World, *, steps: int) -> tuple[dict[str, int], dict[str, int]]:
    """Write the world in so many instalments with a run after each; where each line and entry came from."""
    lines: dict[str, int] = {}
    entries: dict[str, int] = {}
    for step in range(steps):
        mine = [place for place in range(len(world.lines)) if place % steps == step]
        rows = [_row(world, place) for place in mine]
        made = book.state(*rows, ends_on=last_day(world)) if rows else []
        lines.update(zip(made, mine, strict=True))
        theirs = [place for place in range(len(world.entries)) if place % steps == step]
        if theirs:
            entries.update(zip(book.post(*(world.entries[place] for place in theirs)), theirs, strict=True))
        book.no_take()
    return lines, entries


def _row(world: World, place: int) -> dict[str, object]:
    """The line as it is written; of one that is sent again, both have one fingerprint."""
    row = dict(world.lines[place])
    twins = world.twins[0]
    originals = {
        original: f"twins of {original}" for twin, original in twins.items() if world.lines[twin].get("resent")
    }
    same = originals.get(twins.get(place, place))
    if row.pop("resent", False) or place in originals:
        row["same_as"] = str(same)
    return row


def judge(
    book: MatchBook, world: World, lines: dict[str, int], entries: dict[str, int]
) -> tuple[list[object], Counter[str]]:
    """(what was confirmed and is false, how many groups of each shape and noise were found)."""
    false: list[object] = []
    found: Counter[str] = Counter()
    for mine, theirs in book.pairs():
        places = [lines[each] for each in mine], [entries[each] for each in theirs]
        meant = world.meant(*places)
        if meant in world.truth:
            found["/".join(world.truth[meant])] += 1
        else:
            false.append(([world.lines[place] for place in places[0]], [world.entries[place] for place in places[1]]))
    return false, found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=GROUPS, kind=st.sampled_from(["bank", "rail"]), steps=st.integers(1, 3))
@example(groups=[Group("pair", "resent", 1_000, 2, 0, 1)], kind="bank", steps=2)
@example(groups=[Group("gross", "resent", 1_000, 2, 0, 1)], kind="bank", steps=1)
@example(groups=[Group("split_lines", "booked_twice", 1_000, 2, 0, 1)], kind="bank", steps=2)
@example(groups=[Group(shape, "recurring", 1_000, 2, 0, 1) for shape in SHAPES], kind="rail", steps=3)
def test_no_confirmed_match_is_false(make_book: MakeBook, groups: list[Group], kind: str, steps: int) -> None:
    book, world = make_book(kind), make_world(groups)
    lines, entries = play(book, world, steps=steps)

    false, found = judge(book, world, lines, entries)

    assert false == []
    if steps == 1:
        wanted = Counter("/".join(words) for words in world.truth.values() if findable(words))
        assert {name: found[name] for name in wanted} == wanted


def findable(words: tuple[str, str]) -> bool:
    """Whether rules as they come must find a group of this shape and noise."""
    shape, noise = words
    return noise in FOUND or (noise == "resent" and shape in ("pair", "gross"))


@pytest.mark.parametrize("kind", ["bank", "rail"])
def test_recall_by_noise(make_book: MakeBook, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    book, world = make_book(kind), make_world(random_groups(960, seed=7))
    lines, entries = play(book, world, steps=1)

    false, found = judge(book, world, lines, entries)

    assert false == []
    wanted = Counter("/".join(words) for words in world.truth.values())
    with capsys.disabled():
        print(f"\nrecall by noise on a {kind}'s account (confirmed / groups that are the same money), and by shape")
        for noise in NOISES:
            row = {shape: f"{shape}/{noise}" for shape in SHAPES if wanted[f"{shape}/{noise}"]}
            if row:
                shares = "  ".join(f"{shape} {found[name]}/{wanted[name]}" for shape, name in row.items())
                share = sum(found[name] for name in row.values()) / sum(wanted[name] for name in row.values())
                print(f"  {noise:16} {share:6.1%}  {shares}")
    for name, count in wanted.items():
        shape, noise = name.split("/")
        if findable((shape, noise)):
            assert found[name] == count, name


def test_what_runs_in_instalments_finds_agrees_with_one_run_where_nothing_is_ambiguous(make_book: MakeBook) -> None:
    groups = [group for group in random_groups(300, seed=11) if group.noise in ("clean", "spelling", "shift_small")]
    world = make_world(groups)
    results = []
    for steps in (1, 4):
        book = make_book("rail")
        lines, entries = play(book, world, steps=steps)
        results.append(judge(book, world, lines, entries))

    assert results[0] == results[1]
