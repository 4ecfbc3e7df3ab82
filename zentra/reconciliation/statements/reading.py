"""What is known of the statement that is being read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from zentra.reconciliation.statements.checks import Figures, Tally
from zentra.reconciliation.statements.formats.parsed import Begins, Problem
from zentra.reconciliation.statements.models import Statement
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_PROBLEMS_OF_A_STATEMENT: Final = 200


@dataclass(slots=True)
class Reading:
    """The statement that is being read: what was found of it so far."""

    begins: Begins
    account: ReconciledAccountRecord | None = None
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    refused_lines: int = 0
    lines: int = 0  # readable and not
    written: int = 0
    statement_id: str | None = None
    known: Statement | None = None
    is_collected: bool = False  # a rail's report that our collector fetched from the rail itself

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Keep what is wrong, the first two hundred; the statement cannot count any more."""
        room = _PROBLEMS_OF_A_STATEMENT - len(self.problems)
        self.problems.extend(problems[:room])

    @property
    def is_written(self) -> bool:
        """Whether its lines are to be kept."""
        return not self.problems and self.known is None


@dataclass(slots=True)
class Chain:
    """The last statement of each account in this file, for a dry run, of which nothing is in the database."""

    last: dict[str, Figures] = field(default_factory=dict)
