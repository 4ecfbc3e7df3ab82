"""Chart templates: applied once or many times, by one or many at once, they make the same chart."""

from __future__ import annotations

import pytest

from ledger import errors, operations, queries
from ledger.charts import CHART_TEMPLATES, DEFAULT_CATEGORIES
from ledger.operations.categories import AppliedChart
from ledger.types import ACCOUNT_TYPES, CHART
from tests.ledger.book import Book, at_once
from zentra.core import actors, clock
from zentra.core.money import UnknownCurrency
from zentra.core.tenancy import TenantRef, tenant_work


@pytest.fixture
def book(live_workspace: TenantRef) -> Book:
    """The ledger of a live workspace."""
    return Book(live_workspace)


def apply(book: Book, template: str, currency: str = "EUR") -> AppliedChart:
    with tenant_work(book.workspace):
        return operations.apply_chart(template=template, currency=currency, actor=actors.LEDGER, now=clock.now())


@pytest.mark.parametrize("name", CHART_TEMPLATES)
def test_a_template_is_whole(name: str) -> None:
    template = CHART_TEMPLATES[name]
    categories = {category.code for category in template.categories}

    assert template.name == name
    assert len(categories) == len(template.categories)
    assert {category.parent for category in template.categories} - {None} <= categories
    assert {entry.category for entry in template.accounts} <= categories
    assert {entry.account_type for entry in template.accounts} <= set(ACCOUNT_TYPES)
    assert len({entry.code for entry in template.accounts}) == len(template.accounts)
    assert {code for each in CHART_TEMPLATES.values() for code in [e.code for e in each.accounts]}.isdisjoint(
        {entry.code for entry in CHART}
    )


@pytest.mark.parametrize("name", CHART_TEMPLATES)
def test_accounts_stand_under_the_heading_of_their_class(name: str) -> None:
    headings = {
        "asset": "assets", "liability": "liabilities", "equity": "equity", "income": "income", "expense": "expenses",
    }  # fmt: skip
    for entry in CHART_TEMPLATES[name].accounts:
        assert entry.category.split(".")[0] == headings[ACCOUNT_TYPES[entry.account_type].type], entry.code


@pytest.mark.parametrize("name", CHART_TEMPLATES)
def test_every_class_is_there(name: str) -> None:
    classes = {ACCOUNT_TYPES[entry.account_type].type for entry in CHART_TEMPLATES[name].accounts}

    assert classes == {"asset", "liability", "equity", "income", "expense"}


def test_templates_agree_on_the_names_of_what_they_share() -> None:
    names: dict[str, set[str]] = {}
    shared = [category for category, _ in DEFAULT_CATEGORIES]
    for category in (*shared, *(each for chart in CHART_TEMPLATES.values() for each in chart.categories)):
        names.setdefault(category.code, set()).add(category.name)

    assert {code: found for code, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", CHART_TEMPLATES)
def test_a_template_makes_its_accounts_in_their_categories_once(book: Book, name: str) -> None:
    first, second = apply(book, name), apply(book, name)

    assert {account.code for account in first.accounts} == {entry.code for entry in CHART_TEMPLATES[name].accounts}
    assert first.kept == ()
    assert (second.categories, second.accounts) == ((), ())
    assert {account.code for account in second.kept} == {account.code for account in first.accounts}
    with tenant_work(book.workspace):
        by_id = {category.id: category.code for category in queries.list_categories()}
        tree = queries.category_tree(currency="EUR")
    wanted = {entry.code: entry.category for entry in CHART_TEMPLATES[name].accounts}
    assert {account.code: by_id[account.category_id or ""] for account in first.accounts} == wanted
    assert sum(node.total.accounts for node in tree) == len(wanted)
    assert {account.sequencing for account in first.accounts} == {"deferred"}


def test_all_templates_together_are_one_tree(book: Book) -> None:
    for name in CHART_TEMPLATES:
        apply(book, name)

    with tenant_work(book.workspace):
        assert [node.code for node in queries.category_tree(currency="EUR")] == [
            "assets", "equity", "expenses", "income", "liabilities",
        ]  # fmt: skip


def test_applying_at_once_makes_one_chart(book: Book) -> None:
    names = [name for name in CHART_TEMPLATES for _ in range(3)]

    applied = at_once([lambda name=name: apply(book, name) for name in names], threads=8)  # type: ignore[misc]

    charts = [each for each in applied if isinstance(each, AppliedChart)]
    assert [each for each in applied if isinstance(each, Exception)] == []
    opened = [account.code for chart in charts for account in chart.accounts]
    assert sorted(opened) == sorted(entry.code for chart in CHART_TEMPLATES.values() for entry in chart.accounts)
    [(created,)] = book.sql("SELECT count(*) FROM evidence_event WHERE type = 'account.created'")
    assert created == len(opened)


def test_an_account_that_stands_is_left_as_it_is_and_gets_a_category(book: Book) -> None:
    standing = book.account("wallet.customer_funds", currency="EUR")

    applied = apply(book, "wallet")

    assert [account.code for account in applied.kept] == ["wallet.customer_funds"]
    with tenant_work(book.workspace):
        found = queries.get_account(account_id=standing.id)
        category = queries.find_category(ref=found.category_id or "")
    assert (found.name, found.sequencing) == (standing.name, standing.sequencing)
    assert category.code == "liabilities.customers"


def test_a_code_that_is_taken_by_another_type_refuses_the_whole_chart(book: Book) -> None:
    book.account("wallet.fee_income", account_type="suspense", currency="EUR")
    before = book.sql("SELECT count(*) FROM ledger_account"), book.sql("SELECT count(*) FROM ledger_category")

    with pytest.raises(errors.AccountExists) as refused:
        apply(book, "wallet")

    assert refused.value.extra["expected"] == "income"
    assert (book.sql("SELECT count(*) FROM ledger_account"), book.sql("SELECT count(*) FROM ledger_category")) == before


def test_an_unknown_template_and_currency_are_refused(book: Book) -> None:
    with pytest.raises(errors.UnknownChart) as refused:
        apply(book, "casino")
    assert refused.value.extra["allowed"] == sorted(CHART_TEMPLATES)
    with pytest.raises(UnknownCurrency):
        apply(book, "wallet", currency="XXX")


def test_a_day_of_a_lender_in_its_chart(book: Book) -> None:
    """A loan of 1,000.00 is paid out, earns 10.00, is repaid in part; 50.00 is set aside for losses."""
    apply(book, "lending")
    book.move("lending.bank", "lending.capital", 500_000, currency="EUR")
    book.move("lending.principal", "lending.bank", 100_000, currency="EUR")
    book.move("lending.interest_receivable", "lending.interest_income", 1_000, currency="EUR")
    book.move("lending.bank", "lending.interest_receivable", 1_000, currency="EUR")
    book.move("lending.bank", "lending.principal", 20_000, currency="EUR")
    book.move("lending.loan_losses", "lending.allowance", 5_000, currency="EUR")

    with tenant_work(book.workspace):
        tree = {node.code: node for node in queries.category_tree(currency="EUR")}

    assets = {child.code: child.total.posted_minor for child in tree["assets"].children}
    assert (assets["assets.cash"], assets["assets.loans"]) == (421_000, 80_000)
    assert tree["assets"].total.posted_minor == 501_000
    assert tree["income"].total.posted_minor == 1_000
    assert tree["expenses"].total.posted_minor == 5_000
    assert sum(node.total.posted_net_minor for node in tree.values()) == 0
