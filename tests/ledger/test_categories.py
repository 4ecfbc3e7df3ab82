"""Categories: a tree that can only grow, and what its accounts hold rolled up without adding two currencies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ledger import errors, operations, queries
from ledger.queries import CategoryNode, CategoryRecord
from tests.ledger.book import Book, at_once
from zentra.core import actors, clock, ids
from zentra.core.tenancy import TenantRef, tenant_work


def create(book: Book, code: str, *, name: str = "A name", parent: str | None = None) -> CategoryRecord:
    with tenant_work(book.workspace):
        return operations.create_category(code=code, name=name, parent=parent, actor=actors.LEDGER, now=clock.now())


def open_in(book: Book, category: CategoryRecord, code: str, account_type: str, **more: Any) -> str:
    with tenant_work(book.workspace):
        return operations.open_account(
            code=code,
            account_type=account_type,
            currency=more.pop("currency", "USD"),
            category_id=category.id,
            floor_minor=None,
            actor=actors.LEDGER,
            now=clock.now(),
            **more,
        ).id


def tree(book: Book, currency: str = "USD", **more: Any) -> dict[str, CategoryNode]:
    """Every node by its code; the accounts in no category under ''."""
    with tenant_work(book.workspace):
        return {node.code: node for node in nodes(queries.category_tree(currency=currency, **more))}


def nodes(top: list[CategoryNode] | tuple[CategoryNode, ...]) -> Iterator[CategoryNode]:
    for node in top:
        yield node
        yield from nodes(node.children)


@pytest.fixture
def book(live_workspace: TenantRef) -> Book:
    """The ledger of a live workspace: its chart is there and empty."""
    return Book(live_workspace)


def test_balances_roll_up_through_the_tree(book: Book) -> None:
    top = create(book, "pools", name="Pools")
    left, right = create(book, "pools.left", parent=top.id), create(book, "pools.right", parent="pools")
    leaf = create(book, "pools.left.leaf", parent=left.id)
    open_in(book, top, "t", "suspense")
    open_in(book, left, "l", "suspense")
    open_in(book, leaf, "f", "suspense")
    open_in(book, right, "r", "suspense")
    for code, amount in (("t", 1), ("l", 20), ("f", 300), ("r", 4000)):
        book.move("bank", code, amount)

    found = tree(book)

    assert found["pools"].total.posted_net_minor == 4321
    assert found["pools"].own.posted_net_minor == 1
    assert (found["pools"].total.accounts, found["pools"].own.accounts) == (4, 1)
    assert found["pools.left"].total.posted_net_minor == 320
    assert [child.code for child in found["pools"].children] == ["pools.left", "pools.right"]
    assert [child.code for child in found["pools.left"].children] == ["pools.left.leaf"]
    assert found["pools.left.leaf"].parent_id == left.id


def test_what_waits_for_the_sequencer_is_counted_once_before_and_after(book: Book) -> None:
    open_in(book, create(book, "c"), "hot", "suspense")
    book.move("bank", "hot", 70)

    before = tree(book)["c"]
    book.sequence()

    assert before.total.posted_net_minor == 70
    assert tree(book)["c"] == before


def test_debit_and_credit_normal_accounts_roll_up_net_and_say_so(book: Book) -> None:
    mixed, assets = create(book, "mixed"), create(book, "only.assets")
    open_in(book, mixed, "owed", "suspense")
    open_in(book, mixed, "owned", "bank")
    open_in(book, assets, "vault", "bank")
    book.move("owned", "owed", 500)
    book.move("owned", "suspense", 30)
    book.move("vault", "suspense", 7)

    found = tree(book)

    assert found["mixed"].total.posted_net_minor == 500 - 530
    assert found["mixed"].total.normal_balance is None
    assert found["mixed"].total.posted_minor == -30  # net: the sides differ
    assert found["only.assets"].total.posted_net_minor == -7
    assert found["only.assets"].total.normal_balance == "debit"
    assert found["only.assets"].total.posted_minor == 7


def test_pending_out_is_not_available_and_pending_in_is_not_either(book: Book) -> None:
    payers, payees = create(book, "payers"), create(book, "payees")
    open_in(book, payers, "payer", "suspense")
    payee = open_in(book, payees, "payee", "suspense")
    book.move("bank", "payer", 1000)
    with tenant_work(book.workspace):
        operations.place_hold(
            account="payer", amount_minor=300, reference="h", source="test", destination=payee, currency="USD",
            actor=actors.LEDGER, now=clock.now(), correlation_id="req_test",
        )  # fmt: skip

    found = tree(book)

    assert (found["payers"].total.posted_minor, found["payers"].total.available_minor) == (1000, 700)
    assert found["payers"].total.pending_minor == -300
    assert (found["payees"].total.posted_minor, found["payees"].total.available_minor) == (0, 0)
    assert found["payees"].total.pending_minor == 300


def test_each_currency_has_its_own_figures(book: Book) -> None:
    category = create(book, "c")
    open_in(book, category, "pool", "suspense")
    open_in(book, category, "pool", "suspense", currency="EUR")
    open_in(book, category, "source", "bank", currency="EUR")
    book.move("bank", "pool", 100)
    book.move("source", "pool", 9, currency="EUR")

    assert tree(book)["c"].total.posted_net_minor == 100
    assert tree(book, "EUR")["c"].total.posted_net_minor == 0
    assert tree(book, "EUR")["c"].total.accounts == 2
    assert tree(book, "JPY")["c"].total.accounts == 0


def test_all_trees_and_what_is_in_none_add_up_to_zero(book: Book) -> None:
    book.open("loose", account_type="suspense")
    book.move("bank", "loose", 100)
    book.move("fees", "rail_payable", 8)

    with tenant_work(book.workspace):
        top = queries.category_tree(currency="USD")

    assert sum(node.total.posted_net_minor for node in top) == 0
    assert (top[-1].id, top[-1].total.accounts, top[-1].total.posted_net_minor) == (None, 1, 100)


def test_a_tree_of_the_past_is_what_it_was(book: Book) -> None:
    open_in(book, create(book, "c"), "pool", "suspense")
    start = clock.now() - timedelta(days=3)
    book.move("bank", "pool", 100, effective_at=start)
    book.move("bank", "pool", 50, effective_at=start + timedelta(days=1))

    assert tree(book, at=start - timedelta(hours=1))["c"].total.posted_net_minor == 0
    assert tree(book, at=start)["c"].total.posted_net_minor == 100  # the moment itself is included
    assert tree(book, at=start + timedelta(hours=12))["c"].total.posted_net_minor == 100
    assert tree(book, at=clock.now())["c"] == tree(book)["c"]


def test_every_account_of_a_new_workspace_has_its_category(book: Book) -> None:
    found = tree(book)

    assert "" not in found
    assert {code: node.own.accounts for code, node in found.items() if node.own.accounts} == {
        "assets.cash": 1, "assets.receivables": 1, "equity": 1, "expenses.processing": 1,
        "liabilities.clearing": 2, "liabilities.customers": 2, "liabilities.merchants": 1,
        "liabilities.payables": 1, "liabilities.suspense": 1,
    }  # fmt: skip
    assert found["assets"].total.normal_balance == "debit"
    assert found["liabilities"].total.normal_balance == "credit"


def test_default_categories_may_be_given_again_and_change_nothing(book: Book) -> None:
    mine = create(book, "mine")
    bank = ids.to_public("acct", book.sql("SELECT id FROM ledger_account WHERE code = 'bank'")[0][0])
    book.sql("UPDATE ledger_account SET category_id = %s WHERE code = 'bank'", [ids.to_uuid(mine.id, prefix="cat")])
    with tenant_work(book.workspace):
        operations.assign_default_categories(currency="USD", now=clock.now())
        assert queries.get_account(account_id=bank).category_id == mine.id


def test_a_category_gets_another_name_and_keeps_its_place(book: Book) -> None:
    made = create(book, "c", name="Before")
    with tenant_work(book.workspace):
        renamed = operations.rename_category(category="c", name=" After ", actor=actors.LEDGER, now=clock.now())
        listed = {each.code: each for each in queries.list_categories()}

    assert (renamed.name, renamed.id) == ("After", made.id)
    assert listed["c"] == renamed
    kinds = book.sql("SELECT type FROM evidence_event WHERE type LIKE 'category.%%' ORDER BY id", [])
    assert kinds == [("category.created",), ("category.renamed",)]


def test_a_code_is_taken_once_also_by_two_at_once(book: Book) -> None:
    create(book, "c")
    with pytest.raises(errors.CategoryExists):
        create(book, "c", name="Another")

    made = at_once([lambda: create(book, "race") for _ in range(8)], threads=8)

    assert sum(isinstance(each, CategoryRecord) for each in made) == 1
    assert sum(isinstance(each, errors.CategoryExists) for each in made) == 7


@pytest.mark.parametrize("code", ["", "with space", "cat_1", "ä", "x" * 81])
def test_a_malformed_code_is_refused(book: Book, code: str) -> None:
    before = book.sql("SELECT count(*) FROM ledger_category")
    with pytest.raises(errors.InvalidCategory):
        create(book, code)
    assert book.sql("SELECT count(*) FROM ledger_category") == before


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_malformed_name_is_refused(book: Book, name: str) -> None:
    with pytest.raises(errors.InvalidCategory):
        create(book, "c", name=name)


@pytest.mark.parametrize("parent", ["nowhere", "cat_01jz0000000000000000000000"])
def test_a_parent_must_be_there(book: Book, parent: str) -> None:
    with pytest.raises(errors.UnknownCategory):
        create(book, "c", parent=parent)
    with pytest.raises(errors.UnknownCategory), tenant_work(book.workspace):
        operations.rename_category(category=parent, name="x", actor=actors.LEDGER, now=clock.now())


def test_a_category_never_moves_so_the_tree_has_no_circle(book: Book) -> None:
    top = create(book, "top")
    create(book, "below", parent=top.id)

    with pytest.raises(Exception, match="permission denied"):
        book.sql("UPDATE ledger_category SET parent_id = id WHERE code = 'top'")


def test_a_tree_is_no_deeper_than_anybody_can_walk(book: Book) -> None:
    parent = create(book, "level.1").id
    for level in range(2, operations.categories.MOST_LEVELS + 1):
        parent = create(book, f"level.{level}", parent=parent).id
    with pytest.raises(errors.InvalidCategory) as caught:
        create(book, "level.more", parent=parent)
    assert caught.value.extra["most_levels"] == operations.categories.MOST_LEVELS
