"""Which rows of files were imported before: one idempotency key for each external id or account, kept for ever.

A chunk is looked up, and what was written of it is kept, in one statement each. Two imports of one file meet on the
primary key: the second one's chunk is taken back and read anew.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.files.errors import ImportMoved
from ledger.files.types import FileKind, Words
from zentra.core.idempotency.operations import Answer, IdempotencyRaced, find_answers, keep_answers


@dataclass(frozen=True, slots=True)
class KeptKey:
    """What is known of a row that was imported before."""

    fingerprint: bytes
    answer: Mapping[str, str]  # import_id, and the id of what was written


def operation_of(kind: FileKind) -> str:
    """The operation under which keys are kept; the API's own never collide with it."""
    return f"ledger.import.{kind}"


def find_keys(*, kind: FileKind, keys: Sequence[str]) -> dict[str, KeptKey]:
    """Those of the keys that were imported before."""
    found = find_answers(operation=operation_of(kind), keys=keys)
    return {key: KeptKey(mark, json.loads(answer.body)) for key, (mark, answer) in found.items()}


def keep_keys(*, kind: FileKind, import_id: str, written: Sequence[tuple[Words, str]], now: datetime) -> None:
    """Keep the keys of what was written, with its id; raises ImportMoved when somebody else wrote one of them first."""
    answers = {
        words.key: (words.fingerprint, Answer(201, json.dumps({"id": written_id, "import_id": import_id}).encode()))
        for words, written_id in written
    }
    try:
        keep_answers(operation=operation_of(kind), answers=answers, now=now)
    except IdempotencyRaced as error:
        raise ImportMoved("Another import wrote one of these rows at the same moment.") from error
