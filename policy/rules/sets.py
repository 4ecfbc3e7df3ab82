"""Rule sets that this process has compiled. A version never changes, so what was compiled from it is right for ever.

The live version of a workspace is remembered only as a guess: the database says with each decision which one is live,
and a guess that is wrong costs one more question, never a decision by old rules.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from policy.rules.documents import check_document
from policy.rules.nodes import RuleSetSpec, Unanswered
from policy.rules.programs import Program, compile_program

MOST_SETS: Final = 200
MOST_PROGRAMS: Final = 64


@dataclass(slots=True)
class CompiledSet:
    """One version of a workspace's rules, with the programs that its intents have asked for so far."""

    version: int
    spec: RuleSetSpec
    programs: dict[tuple[str, str, str], Program] = field(default_factory=dict)

    def program(self, *, currency: str, kind: str, posture: Unanswered = "review") -> Program:
        """The program for intents of one currency and kind, compiled at the first of them; see ``compile_program``."""
        key = (currency, kind, posture)
        found = self.programs.get(key)
        if found is None:
            if len(self.programs) >= MOST_PROGRAMS:
                self.programs.clear()
            found = self.programs[key] = compile_program(self.spec, currency=currency, kind=kind, posture=posture)
        return found


_sets: OrderedDict[tuple[UUID, int], CompiledSet] = OrderedDict()
_live: dict[UUID, int] = {}
_lock = Lock()


def compile_set(*, version: int, document: Any) -> CompiledSet:
    """Compile a document, remembering nothing; raises InvalidRuleSet."""
    return CompiledSet(version, check_document(document))


def guess_live(workspace_id: UUID) -> int:
    """The version that was live when this process last heard; 0 when it never did."""
    return _live.get(workspace_id, 0)


def note_live(workspace_id: UUID, version: int) -> None:
    """Remember what the database said is live."""
    _live[workspace_id] = version


def compiled_set(workspace_id: UUID, version: int, read: Callable[[int], Any]) -> CompiledSet:
    """The compiled version of a workspace's rules; ``read`` gives its document when it is not remembered.

    Raises InvalidRuleSet when the document cannot be used: nothing is decided by rules that cannot be read.
    """
    key = (workspace_id, version)
    with _lock:
        found = _sets.get(key)
        if found is not None:
            _sets.move_to_end(key)
            return found
    made = compile_set(version=version, document=read(version))
    # Only what is committed is remembered: a version that is rolled back may come again with other rules.
    transaction.on_commit(partial(_remember, key, made))
    return made


def _remember(key: tuple[UUID, int], made: CompiledSet) -> None:
    with _lock:
        _sets[key] = made
        while len(_sets) > MOST_SETS:
            _sets.popitem(last=False)
