"""What is wrong with a file as a whole, with one of its rows, or with what was asked of an import or export."""

from zentra.core.errors import DomainError


class ImportNotFound(DomainError):
    """The import that was asked for does not exist in this workspace."""

    code = "import_not_found"
    status = 404
    title = "There is no such import"


class ImportFinished(DomainError):
    """The import is done, failed or canceled already; what it wrote stands."""

    code = "import_finished"
    status = 409
    title = "The import has ended"


class ImportTooLarge(DomainError):
    """The file is larger than an import may be; nothing of it was kept."""

    code = "import_too_large"
    status = 413
    title = "The file is too large"


class ImportEmpty(DomainError):
    """The file has no content."""

    code = "import_empty"
    title = "The file is empty"


class ImportHeaderInvalid(DomainError):
    """The first row does not name the columns: some are unknown, missing or there twice. Nothing was started."""

    code = "import_header_invalid"
    title = "The columns of the file are not right"


class ImportNotUtf8(DomainError):
    """The file, or a row of it, is not UTF-8 text."""

    code = "import_not_utf8"
    title = "The text is not UTF-8"


class ImportUnreadable(DomainError):
    """The stored file is missing, or no longer the one that was uploaded; the import ends here."""

    code = "import_unreadable"
    status = 409
    title = "The stored file is not the one that was uploaded"


class ImportMoved(DomainError):
    """Another worker has the import, or took this chunk first; nothing was written twice."""

    code = "import_moved"
    status = 409
    title = "Another worker is at this import"
    retryable = True


class ImportRowMalformed(DomainError):
    """The row cannot be told apart into its columns or is no JSON object."""

    code = "import_row_malformed"
    title = "The row cannot be read"


class ImportRowEmpty(DomainError):
    """The row has nothing in it, and others follow."""

    code = "import_row_empty"
    title = "The row is empty"


class ImportRowTooLong(DomainError):
    """The row is longer than a row may be, or a posting has more entries than one of a file may have."""

    code = "import_row_too_long"
    title = "The row is too long"


class ImportColumnUnknown(DomainError):
    """A JSON object has a key that is no column."""

    code = "import_column_unknown"
    title = "The row has a column that is not known"


class ImportColumnTwice(DomainError):
    """A JSON object has the same key twice, so that nobody knows which one counts."""

    code = "import_column_twice"
    title = "The row has a column twice"


class ImportValueMissing(DomainError):
    """A column that must say something is empty."""

    code = "import_value_missing"
    title = "A value is missing"


class ImportValueInvalid(DomainError):
    """A value is not of its column's form."""

    code = "import_value_invalid"
    title = "A value is malformed"


class ImportNumberInvalid(DomainError):
    """A number is not written as a whole number: fractions, exponents and separators are refused, never rounded."""

    code = "import_number_invalid"
    title = "A number is not a whole number"


class ImportRowConflict(DomainError):
    """A row of this external id or account was imported before, with another content; nothing was changed."""

    code = "import_row_conflict"
    status = 409
    title = "The row was imported before with another content"


class ImportPostingTorn(DomainError):
    """A row between or beside this posting's rows is unreadable, so that nobody knows whether it belongs to it."""

    code = "import_posting_torn"
    title = "A row beside this posting cannot be read"


class ImportPostingNotPosted(DomainError):
    """The row is a pending or released posting; these belong to a hold, and holds are not imported."""

    code = "import_posting_not_posted"
    title = "Only posted postings are imported"


class ImportRowRefused(DomainError):
    """The database refused a value of the row for a reason without a code of its own."""

    code = "import_row_refused"
    title = "The database refused the row"


class ExportNotFound(DomainError):
    """The export that was asked for does not exist in this workspace."""

    code = "export_not_found"
    status = 404
    title = "There is no such export"


class ExportNotReady(DomainError):
    """The export's file is not complete yet, or could not be made."""

    code = "export_not_ready"
    status = 409
    title = "The export is not ready"


class ExportInvalid(DomainError):
    """The kind, format or filters of an export do not go together."""

    code = "export_invalid"
    title = "The export cannot be made like this"
