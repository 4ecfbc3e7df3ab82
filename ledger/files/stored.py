"""The rows of imports and exports as others see them."""

from datetime import datetime
from typing import Any, Final

from ledger.files.types import ExportFilters, ExportRecord, ImportRecord
from ledger.models import Export, Import

MOMENTS: Final = ("effective_from", "effective_to", "recorded_from", "recorded_to")


def import_record(row: Import) -> ImportRecord:
    """An import as it stands."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in ImportRecord.__dataclass_fields__}
    return ImportRecord(**{**facts, "sha256": bytes(row.sha256).hex()})


def export_record(row: Export) -> ExportRecord:
    """An export as it stands."""
    facts: dict[str, Any] = {name: getattr(row, name) for name in ExportRecord.__dataclass_fields__}
    words: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in MOMENTS else value for name, value in row.filters.items()
    }
    sha256 = None if row.sha256 is None else bytes(row.sha256).hex()
    return ExportRecord(**{**facts, "sha256": sha256, "filters": ExportFilters(**words)})
