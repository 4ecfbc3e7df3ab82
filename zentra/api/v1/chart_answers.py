"""The shapes of the chart of accounts, for the contract: categories, templates, trial balance, monitors."""

from typing import Any, Literal

from pydantic import BaseModel


class MonitorAnswer(BaseModel):
    """A threshold on an account's balance; ``is_crossed`` at ``checked_version``."""

    id: str
    object: Literal["balance_monitor"]
    account_id: str
    account_code: str
    currency: str
    name: str
    metric: Literal["available", "posted", "pending"]
    comparison: Literal["above", "below"]
    threshold_minor: int
    is_crossed: bool
    checked_version: int
    crossed_at: str | None
    created_at: str
    removed_at: str | None


class MonitorList(BaseModel):
    """The balance monitors of an account, newest first."""

    data: list[MonitorAnswer]


class CategoryAnswer(BaseModel):
    """A category of the chart of accounts."""

    id: str
    object: Literal["account_category"]
    code: str
    name: str
    parent_id: str | None
    created_at: str


class CategoryList(BaseModel):
    """All categories, by code."""

    data: list[CategoryAnswer]


class RollUpAnswer(BaseModel):
    """What accounts hold together, in the direction of the side that all share, else credits − debits."""

    accounts: int
    normal_balance: Literal["debit", "credit"] | None
    posted_minor: int
    pending_minor: int
    available_minor: int
    net_minor: int


class CategoryNodeAnswer(BaseModel):
    """A category with its own accounts' balances, those of all below it, and its children."""

    id: str | None
    code: str
    name: str
    parent_id: str | None
    own: RollUpAnswer
    total: RollUpAnswer
    children: list["CategoryNodeAnswer"]


class CategoryTreeAnswer(BaseModel):
    """The chart of accounts in one currency, one snapshot: the net totals of all trees add up to zero."""

    object: Literal["account_category_tree"]
    currency: str
    as_of: str | None
    data: list[CategoryNodeAnswer]


class ChartTemplateAnswer(BaseModel):
    """A template of a chart of accounts."""

    name: str
    title: str
    description: str
    categories: list[dict[str, Any]]
    accounts: list[dict[str, Any]]


class ChartTemplateList(BaseModel):
    """The templates that there are."""

    data: list[ChartTemplateAnswer]


class AppliedChartAnswer(BaseModel):
    """What applying a template made, and what stood already."""

    object: Literal["applied_chart"]
    template: str
    currency: str
    categories_created: list[str]
    accounts_created: list[str]
    accounts_kept: list[str]


class TrialRowAnswer(BaseModel):
    """An account's balance in the column that it falls into."""

    account_id: str
    account_code: str
    account_name: str
    account_type: str
    type: str
    state: str
    category_id: str | None
    debit_minor: int
    credit_minor: int


class TrialTotalAnswer(BaseModel):
    """The columns of one accounting class or category, everything below it included."""

    name: str
    code: str
    accounts: int
    depth: int
    debit_minor: int
    credit_minor: int


class TrialBalanceAnswer(BaseModel):
    """All accounts of a currency in two columns that must add up to the same."""

    object: Literal["trial_balance"]
    currency: str
    as_of: str | None
    basis: Literal["effective", "recorded"]
    is_balanced: bool
    difference_minor: int
    debit_minor: int
    credit_minor: int
    data: list[TrialRowAnswer]
    classes: list[TrialTotalAnswer]
    categories: list[TrialTotalAnswer]
