"""The mapping wizard's questions: what a file seems to be, and how it reads by a mapping. Nothing is kept."""

from collections.abc import Mapping
from typing import Any

from zentra.reconciliation.statements.formats.guessing import Guess, Preview, preview
from zentra.reconciliation.statements.formats.guessing import guess_mapping as guess
from zentra.reconciliation.statements.formats.mapping import CsvMapping


def guess_mapping(*, sample: bytes) -> Guess:
    """A mapping for a CSV file that begins so, and what is in doubt; raises StatementFileRefused."""
    return guess(sample)


def preview_mapping(*, sample: bytes, mapping: Mapping[str, Any], currency: str, limit: int = 20) -> Preview:
    """The first rows of a CSV file as a mapping reads them, with errors by cell; raises MappingInvalid."""
    return preview(sample, CsvMapping.read(mapping), currency=currency, limit=limit)
