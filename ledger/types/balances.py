"""What accounts hold, and what must be zero."""

from dataclasses import dataclass
from datetime import datetime

from ledger.types.words import Direction


@dataclass(frozen=True, slots=True)
class Balances:
    """What an account holds in minor units, entries not sequenced yet included.

    Posted, pending and available count in the account's normal direction, so that a bank account that holds money is
    positive; ``net_minor`` is credits − debits, the sign under which all accounts of a currency add up to zero.
    """

    account_id: str
    account_code: str
    currency: str
    normal_balance: Direction
    posted_debits: int
    posted_credits: int
    pending_debits: int
    pending_credits: int
    version: int
    unsequenced: int

    @property
    def net_minor(self) -> int:
        """Credits − debits, posted."""
        return self.posted_credits - self.posted_debits

    @property
    def posted_minor(self) -> int:
        """What is posted, in the normal direction."""
        return self._normal(self.posted_debits, self.posted_credits)

    @property
    def pending_in_minor(self) -> int:
        """What is pending and would raise the balance, in the normal direction."""
        return self.pending_credits if self.normal_balance == "credit" else self.pending_debits

    @property
    def pending_out_minor(self) -> int:
        """What is pending and would lower the balance; it no longer counts as available."""
        return self.pending_debits if self.normal_balance == "credit" else self.pending_credits

    @property
    def lock_version(self) -> int:
        """The number of entries of the account, those that wait for the sequencer included."""
        return self.version + self.unsequenced

    @property
    def pending_minor(self) -> int:
        """What is pending, in the normal direction: in less out."""
        return self._normal(self.pending_debits, self.pending_credits)

    @property
    def available_minor(self) -> int:
        """Posted less what is pending out; what is pending in is not there yet."""
        return self.posted_minor - self.pending_out_minor

    def _normal(self, debits: int, credits_: int) -> int:
        return credits_ - debits if self.normal_balance == "credit" else debits - credits_


@dataclass(frozen=True, slots=True)
class Drift:
    """The sum of all balances of one currency, now, and of all entries when they were last added up again."""

    currency: str
    drift_minor: int
    accounts: int
    unsequenced: int
    resum_minor: int | None
    resum_entries: int | None
    diverging_accounts: int | None
    resummed_at: datetime | None
