"""What is known of the statement that is being read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from zentra.reconciliation.statements.checks import EARLIEST, Figures, Tally, check_days
from zentra.reconciliation.statements.formats.parsed import Begins, ParsedLine, Problem
from zentra.reconciliation.statements.models import Statement
from zentra.reconciliation.statements.types import ReconciledAccountRecord

_PROBLEMS_OF_A_STATEMENT: Final = 200


@dataclass(slots=True)
class Reading:
    """The statement that is being read: what was found of it so far."""

    begins: Begins
    latest: date  # the last day that a statement of today can have
    account: ReconciledAccountRecord | None = None
    tally: Tally = field(default_factory=Tally)
    problems: list[Problem] = field(default_factory=list)
    refused_lines: int = 0
    lines: int = 0  # readable and not
    written: int = 0
    statement_id: str | None = None
    known: Statement | None = None
    is_collected: bool = False  # a rail's report that our collector fetched from the rail itself

    def count(self, line: ParsedLine) -> None:
        """Count a line; a day that no line of today can have refuses its statement."""
        self.tally.add(line)
        self.lines += 1
        if not (EARLIEST <= line.booked_on <= self.latest and EARLIEST <= line.value_on <= self.latest):
            place = f"{self.begins.place}, line {self.lines}"
            self.refuse([*check_days(*{line.booked_on, line.value_on}, place=place, latest=self.latest)])

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
