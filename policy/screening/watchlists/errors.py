"""What is wrong with a file, or with what was asked of a list or one of its versions."""

from typing import Any

from zentra.core.errors import DomainError


class FileRefused(DomainError):
    """The file cannot be imported; ``line`` says where, counted from 1. Nothing of it counts."""

    code = "watchlist_malformed"
    title = "The file is not a watchlist of this form"

    def __init__(self, detail: str, *, line: int | None = None, **extra: Any) -> None:
        super().__init__(detail if line is None else f"Line {line}: {detail}", line=line, **extra)


class FileTruncated(FileRefused):
    """The file ends in the middle of something, or has fewer entries than it says."""

    code = "watchlist_truncated"
    title = "The file is not complete"


class EntryTwice(FileRefused):
    """Two entries have the same id, so that nobody knows which one counts."""

    code = "watchlist_entry_twice"
    title = "The file has an entry twice"


class FileTooLarge(FileRefused):
    """The file is larger than a watchlist may be; nothing of it was kept."""

    code = "watchlist_too_large"
    status = 413
    title = "The file is too large"


class FileMoved(FileRefused):
    """The stored file is missing, or no longer the one that was uploaded."""

    code = "watchlist_unreadable"
    status = 409
    title = "The stored file is not the one that was uploaded"


class UnknownSource(DomainError):
    """The form of the list is none that can be imported."""

    code = "watchlist_source_unknown"
    title = "Watchlists of this form cannot be imported"


class WatchlistNotFound(DomainError):
    """The list does not exist in this workspace."""

    code = "watchlist_not_found"
    status = 404
    title = "There is no such watchlist"


class WatchlistExists(DomainError):
    """Another list has this name."""

    code = "watchlist_exists"
    status = 409
    title = "There is a watchlist of this name already"


class VersionNotFound(DomainError):
    """The version does not exist in this workspace."""

    code = "watchlist_version_not_found"
    status = 404
    title = "There is no such version of a watchlist"


class EntryNotFound(DomainError):
    """The entry does not exist in this workspace."""

    code = "watchlist_entry_not_found"
    status = 404
    title = "There is no such entry of a watchlist"


class VersionOpen(DomainError):
    """Another version of the list is being imported, or is ready: activate, cancel or discard it first."""

    code = "watchlist_version_open"
    status = 409
    title = "Another version of this list is not finished"


class VersionNotReady(DomainError):
    """The version is not in the state that this needs; ``state`` is the one it is in."""

    code = "watchlist_version_not_ready"
    status = 409
    title = "The version of the list is not in the right state"


class ShrinksTooMuch(DomainError):
    """The version has less than four fifths of the entries before it; activate it with a confirmation."""

    code = "shrinks_too_much"
    status = 409
    title = "The list would lose more than a fifth of its entries"


class ImportTaken(DomainError):
    """Another worker has the import, or wrote this batch first; nothing was written twice."""

    code = "watchlist_import_taken"
    status = 409
    title = "Another worker is at this import"
    retryable = True
