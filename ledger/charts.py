"""Templates of a chart of accounts, as data: categories and the accounts in them, for a business to start from.

The codes of categories are paths, so that a parent's is the beginning of its children's, and templates share the top of
the tree: several may be applied to one workspace. Accounts are pooled ones; those of single customers, cards or loans
are opened as they come, into the same categories.

Sides are those of any textbook: assets and expenses are debit-normal, liabilities, equity and income credit-normal. A
liability is what we owe, also when it is other people's money in our bank account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ChartCategory:
    """A category of a template."""

    code: str
    name: str

    @property
    def parent(self) -> str | None:
        """The code of the category above; None at the top."""
        return self.code.rpartition(".")[0] or None


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """An account of a template; the currency's code is added to its name."""

    code: str
    name: str
    account_type: str
    category: str


@dataclass(frozen=True, slots=True)
class ChartTemplate:
    """A chart of accounts for one kind of business."""

    name: str
    title: str
    description: str
    categories: tuple[ChartCategory, ...]
    accounts: tuple[ChartEntry, ...]


_TOP: Final = (
    ChartCategory("assets", "Assets"),
    ChartCategory("assets.cash", "Cash at banks"),
    ChartCategory("assets.receivables", "Receivables"),
    ChartCategory("liabilities", "Liabilities"),
    ChartCategory("liabilities.customers", "Owed to customers"),
    ChartCategory("liabilities.clearing", "In clearing"),
    ChartCategory("liabilities.payables", "Payables"),
    ChartCategory("equity", "Equity"),
    ChartCategory("income", "Income"),
    ChartCategory("expenses", "Expenses"),
    ChartCategory("expenses.processing", "Processing costs"),
)
_MERCHANTS: Final = ChartCategory("liabilities.merchants", "Owed to merchants")
_SUSPENSE: Final = ChartCategory("liabilities.suspense", "Not identified yet")

# The accounts that every workspace has (ledger.types.CHART), by category.
DEFAULT_CATEGORIES: Final[tuple[tuple[ChartCategory, tuple[str, ...]], ...]] = tuple(
    (
        category,
        {
            "assets.cash": ("bank",),
            "assets.receivables": ("rail_receivable",),
            "liabilities.customers": ("customer_balance", "reserved_balance"),
            "liabilities.merchants": ("merchant_balance",),
            "liabilities.clearing": ("settlement_account", "payout_account"),
            "liabilities.payables": ("rail_payable",),
            "liabilities.suspense": ("suspense",),
            "equity": ("opening_equity",),
            "expenses.processing": ("fees",),
        }.get(category.code, ()),
    )
    for category in (*_TOP, _MERCHANTS, _SUSPENSE)
)

_WALLET: Final = ChartTemplate(
    name="wallet",
    title="Wallet",
    description="Stored value: customers' money is safeguarded at a bank and owed back to them on demand.",
    categories=(
        *_TOP,
        ChartCategory("assets.cash.safeguarded", "Safeguarded customer funds"),
        ChartCategory("income.fees", "Fee income"),
        ChartCategory("expenses.losses", "Losses"),
        _SUSPENSE,
    ),
    accounts=(
        ChartEntry("wallet.safeguarding_bank", "Safeguarding bank", "bank", "assets.cash.safeguarded"),
        ChartEntry("wallet.operating_bank", "Operating bank", "bank", "assets.cash"),
        ChartEntry("wallet.top_ups_receivable", "Top-ups on their way in", "receivable", "assets.receivables"),
        ChartEntry("wallet.customer_funds", "Customer funds", "customer", "liabilities.customers"),
        ChartEntry("wallet.customer_held", "Customer funds held", "reserved", "liabilities.customers"),
        ChartEntry("wallet.withdrawals", "Withdrawals on their way out", "payout", "liabilities.clearing"),
        ChartEntry("wallet.unallocated", "Receipts not identified yet", "suspense", "liabilities.suspense"),
        ChartEntry("wallet.processor_payable", "Owed to processors", "payable", "liabilities.payables"),
        ChartEntry("wallet.capital", "Capital", "equity", "equity"),
        ChartEntry("wallet.fee_income", "Fees from customers", "income", "income.fees"),
        ChartEntry("wallet.processing_fees", "Fees of processors", "fee", "expenses.processing"),
        ChartEntry("wallet.fraud_losses", "Fraud losses", "expense", "expenses.losses"),
    ),
)
_MARKETPLACE: Final = ChartTemplate(
    name="marketplace",
    title="Marketplace",
    description="Buyers pay, money waits in escrow for delivery, sellers are paid out less a commission.",
    categories=(
        *_TOP,
        _MERCHANTS,
        ChartCategory("liabilities.escrow", "Escrow"),
        ChartCategory("liabilities.taxes", "Taxes collected for others"),
        ChartCategory("income.commission", "Commission"),
        ChartCategory("expenses.losses", "Losses"),
    ),
    accounts=(
        ChartEntry("marketplace.bank", "Bank", "bank", "assets.cash"),
        ChartEntry("marketplace.acquirer_receivable", "Owed to us by acquirers", "receivable", "assets.receivables"),
        ChartEntry("marketplace.seller_debts", "Owed to us by sellers", "receivable", "assets.receivables"),
        ChartEntry("marketplace.buyer_escrow", "Buyers' money in escrow", "reserved", "liabilities.escrow"),
        ChartEntry("marketplace.refunds", "Refunds on their way to buyers", "payout", "liabilities.clearing"),
        ChartEntry("marketplace.seller_balances", "Owed to sellers", "merchant", "liabilities.merchants"),
        ChartEntry("marketplace.seller_payouts", "Payouts on their way to sellers", "payout", "liabilities.clearing"),
        ChartEntry("marketplace.sales_tax", "Sales tax collected", "payable", "liabilities.taxes"),
        ChartEntry("marketplace.capital", "Capital", "equity", "equity"),
        ChartEntry("marketplace.commission", "Commission from sellers", "income", "income.commission"),
        ChartEntry("marketplace.acquiring_fees", "Fees of acquirers", "fee", "expenses.processing"),
        ChartEntry("marketplace.chargebacks", "Chargebacks borne", "expense", "expenses.losses"),
    ),
)
_CARD_PROGRAMME: Final = ChartTemplate(
    name="card_programme",
    title="Card programme",
    description="Prepaid cards: authorizations hold cardholders' funds, clearing settles them with the card scheme.",
    categories=(
        *_TOP,
        ChartCategory("assets.collateral", "Collateral"),
        ChartCategory("liabilities.scheme", "Owed to the card scheme"),
        ChartCategory("income.interchange", "Interchange"),
        ChartCategory("income.fees", "Fee income"),
        ChartCategory("expenses.losses", "Losses"),
    ),
    accounts=(
        ChartEntry("cards.funding_bank", "Funding bank", "bank", "assets.cash"),
        ChartEntry("cards.scheme_collateral", "Collateral at the scheme", "receivable", "assets.collateral"),
        ChartEntry("cards.disputes_receivable", "Disputed with the scheme", "receivable", "assets.receivables"),
        ChartEntry("cards.cardholder_funds", "Cardholders' funds", "customer", "liabilities.customers"),
        ChartEntry("cards.authorized", "Authorized, not cleared yet", "reserved", "liabilities.customers"),
        ChartEntry("cards.scheme_settlement", "Settlement with the scheme", "settlement", "liabilities.scheme"),
        ChartEntry("cards.scheme_fees_payable", "Scheme fees owed", "payable", "liabilities.payables"),
        ChartEntry("cards.capital", "Capital", "equity", "equity"),
        ChartEntry("cards.interchange", "Interchange", "income", "income.interchange"),
        ChartEntry("cards.card_fees", "Card fees", "income", "income.fees"),
        ChartEntry("cards.scheme_fees", "Scheme fees", "fee", "expenses.processing"),
        ChartEntry("cards.dispute_losses", "Disputes lost", "expense", "expenses.losses"),
    ),
)
_LENDING: Final = ChartTemplate(
    name="lending",
    title="Lending",
    description="Loans: principal and interest are receivable, an allowance for losses stands against them.",
    categories=(
        *_TOP,
        ChartCategory("assets.loans", "Loans"),
        ChartCategory("liabilities.funding", "Funding"),
        ChartCategory("liabilities.allowance", "Allowance for loan losses"),
        ChartCategory("income.interest", "Interest income"),
        ChartCategory("income.fees", "Fee income"),
        ChartCategory("expenses.interest", "Interest expense"),
        ChartCategory("expenses.losses", "Losses"),
    ),
    accounts=(
        ChartEntry("lending.bank", "Bank", "bank", "assets.cash"),
        ChartEntry("lending.principal", "Principal outstanding", "receivable", "assets.loans"),
        ChartEntry("lending.interest_receivable", "Interest accrued", "receivable", "assets.loans"),
        ChartEntry("lending.fees_receivable", "Fees charged", "receivable", "assets.loans"),
        # Credit-normal and held against the loans: net, they are what is expected to come back.
        ChartEntry("lending.allowance", "Allowance for losses", "payable", "liabilities.allowance"),
        ChartEntry("lending.disbursements", "Disbursements on their way out", "payout", "liabilities.clearing"),
        ChartEntry("lending.repayments", "Repayments not allocated yet", "suspense", "liabilities.clearing"),
        ChartEntry("lending.credit_balances", "Overpaid by borrowers", "customer", "liabilities.customers"),
        ChartEntry("lending.facility", "Drawn from funders", "payable", "liabilities.funding"),
        ChartEntry("lending.capital", "Capital", "equity", "equity"),
        ChartEntry("lending.interest_income", "Interest", "income", "income.interest"),
        ChartEntry("lending.origination_fees", "Origination fees", "income", "income.fees"),
        ChartEntry("lending.late_fees", "Late fees", "income", "income.fees"),
        ChartEntry("lending.interest_expense", "Interest to funders", "expense", "expenses.interest"),
        ChartEntry("lending.loan_losses", "Provision for loan losses", "expense", "expenses.losses"),
    ),
)
_TREASURY: Final = ChartTemplate(
    name="treasury",
    title="Treasury and payments",
    description="Money over several banks, rails and currencies, with positions for exchange and nostro accounts.",
    categories=(
        *_TOP,
        _SUSPENSE,
        ChartCategory("assets.positions", "Currency positions"),
        ChartCategory("assets.transit", "In transit"),
        ChartCategory("income.exchange", "Exchange gains"),
        ChartCategory("income.interest", "Interest income"),
        ChartCategory("income.fees", "Fee income"),
        ChartCategory("expenses.exchange", "Exchange losses"),
    ),
    accounts=(
        ChartEntry("treasury.main_bank", "Main bank", "bank", "assets.cash"),
        ChartEntry("treasury.payout_bank", "Payout bank", "bank", "assets.cash"),
        ChartEntry("treasury.prefunding", "Prefunded at rails", "receivable", "assets.receivables"),
        ChartEntry("treasury.transit", "Between our own banks", "receivable", "assets.transit"),
        ChartEntry("treasury.position", "Currency position", "position", "assets.positions"),
        ChartEntry("treasury.client_funds", "Clients' funds", "customer", "liabilities.customers"),
        ChartEntry("treasury.rail_clearing", "Settlement with rails", "settlement", "liabilities.clearing"),
        ChartEntry("treasury.payouts", "Payouts on their way", "payout", "liabilities.clearing"),
        ChartEntry("treasury.returns", "Returned payments to place", "suspense", "liabilities.suspense"),
        ChartEntry("treasury.rail_payable", "Owed to rails", "payable", "liabilities.payables"),
        ChartEntry("treasury.capital", "Capital", "equity", "equity"),
        ChartEntry("treasury.exchange_gains", "Exchange gains", "income", "income.exchange"),
        ChartEntry("treasury.interest", "Interest from banks", "income", "income.interest"),
        ChartEntry("treasury.payment_fees", "Payment fees", "income", "income.fees"),
        ChartEntry("treasury.bank_fees", "Fees of banks and rails", "fee", "expenses.processing"),
        ChartEntry("treasury.exchange_losses", "Exchange losses", "expense", "expenses.exchange"),
    ),
)

CHART_TEMPLATES: Final[Mapping[str, ChartTemplate]] = {
    template.name: template for template in (_WALLET, _MARKETPLACE, _CARD_PROGRAMME, _LENDING, _TREASURY)
}
