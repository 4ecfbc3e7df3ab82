"""What counters keep when new rules come into force: those of meters that both versions ask go on counting."""

from typing import Final

from policy.rules.nodes import RuleSetSpec
from policy.rules.programs import compile_program
from policy.subjects import KINDS
from zentra.core.db.hot import execute_hot

WORTH_CARRYING: Final = 1_000
"""So many movements: counting fewer of them anew costs less than to find their counters."""


def carry_counters(*, before: RuleSetSpec, after: RuleSetSpec, version: int) -> int:
    """Take the large counters of the version before into ``version``, which was just inserted; how many.

    In the publishing transaction: nobody is being weighed meanwhile. Without it nothing would be wrong, but the next
    intent would count a busy workspace's month anew while all others wait for it. Meters with bounds are left out:
    these are amounts of one currency, and the same text may mean another currency's in the next version.
    """
    row = execute_hot(
        "WITH carried AS (UPDATE policy_limit_counter SET version = %s::bigint"
        " WHERE version = %s::bigint AND meter = ANY(%s::text[]) AND number > %s::bigint RETURNING 1)"
        " SELECT count(*) FROM carried",
        [version, version - 1, sorted(_always_asked(before) & _always_asked(after)), WORTH_CARRYING],
    ).fetchone()
    return int(row[0]) if row else 0


def _always_asked(spec: RuleSetSpec) -> set[str]:
    """The keys of the meters without bounds that are asked for every intent that they count."""
    return {
        asked.meter.key
        for kind in KINDS
        for asked in compile_program(spec, currency="USD", kind=kind).asks
        if asked.meter.from_minor is None and asked.meter.below_minor is None
    }
