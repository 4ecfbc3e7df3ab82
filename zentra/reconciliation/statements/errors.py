"""What is wrong with a file, a statement or a line of it, or with what was asked of them."""

from typing import Any

from zentra.core.errors import DomainError


class AccountNotFound(DomainError):
    """The workspace reconciles no such account."""

    code = "recon_account_not_found"
    status = 404
    title = "There is no such reconciled account"


class AccountExists(DomainError):
    """The ledger account is reconciled already, or another one has this external id in this currency."""

    code = "recon_account_exists"
    status = 409
    title = "This account is reconciled already"


class AccountInvalid(DomainError):
    """A value of the reconciled account is none that it can have; ``field`` names it."""

    code = "recon_account_invalid"
    title = "A value of the reconciled account is not possible"


class AccountInUse(DomainError):
    """A month that is softly closed has a tie-out of the account which is not approved; ``months`` names them."""

    code = "recon_account_in_use"
    status = 409
    title = "A month is being closed with this account"


class StaleAccount(DomainError):
    """The account was changed since it was read; read it again."""

    code = "recon_account_stale"
    status = 409
    title = "The reconciled account was changed meanwhile"


class MappingInvalid(DomainError):
    """The mapping cannot be used; ``field`` names what is wrong in it."""

    code = "statement_mapping_invalid"
    title = "The mapping of the columns cannot be used"


class MappingMissing(DomainError):
    """A CSV file needs a mapping: of the account, or sent with the file."""

    code = "statement_mapping_missing"
    title = "There is no mapping for the columns of this file"


class StatementFileRefused(DomainError):
    """The file cannot be read as what it was said to be; ``place`` says where. Nothing after that counts."""

    code = "statement_file_malformed"
    title = "The file is not a statement of this format"

    def __init__(self, detail: str, *, place: str = "", **extra: Any) -> None:
        super().__init__(f"{place}: {detail}" if place else detail, place=place, **extra)


class StatementFileUnsafe(StatementFileRefused):
    """The file has a document type, an entity, or more of something than any statement has."""

    code = "statement_file_unsafe"
    title = "The file holds what no statement needs"


class StatementFileTruncated(StatementFileRefused):
    """The file ends in the middle of something."""

    code = "statement_file_truncated"
    title = "The file is not complete"


class StatementFileEncoding(StatementFileRefused):
    """The bytes are not text in the encoding that the file or its mapping says."""

    code = "statement_file_encoding"
    title = "The file is not text in the encoding that it should have"


class StatementFileTooLarge(StatementFileRefused):
    """The file is larger than may be imported at once; nothing of it was kept."""

    code = "statement_file_too_large"
    status = 413
    title = "The file is too large"


class StatementFileEmpty(StatementFileRefused):
    """The file has no statement in it."""

    code = "statement_file_empty"
    title = "There is no statement in the file"


class StatementFileKnown(DomainError):
    """This very file was imported already or is being imported; ``import_id`` names that import."""

    code = "statement_file_known"
    status = 409
    title = "This file was imported already"


class StatementFileGone(StatementFileRefused):
    """The stored file is missing, or no longer the one that was uploaded."""

    code = "statement_file_unreadable"
    status = 409
    title = "The stored file is not the one that was uploaded"


class ImportNotFound(DomainError):
    """The import does not exist in this workspace."""

    code = "statement_import_not_found"
    status = 404
    title = "There is no such import of statements"


class ImportFinished(DomainError):
    """The import is finished; there is nothing to cancel."""

    code = "statement_import_finished"
    status = 409
    title = "The import is finished"


class ImportMoved(DomainError):
    """Another worker has the import, or wrote this chunk first; nothing was written twice."""

    code = "statement_import_moved"
    status = 409
    title = "Another worker is at this import"
    retryable = True


class StatementNotFound(DomainError):
    """The statement does not exist in this workspace."""

    code = "statement_not_found"
    status = 404
    title = "There is no such statement"


class SettlementNotFound(DomainError):
    """The statement is no report of something that a rail paid out."""

    code = "settlement_not_found"
    status = 404
    title = "The statement has nothing to settle"


class SettlementSettled(DomainError):
    """The batch is posted already, or stands in the ledger with other figures; ``state`` says which of the two."""

    code = "settlement_settled"
    status = 409
    title = "There is nothing left to post for this batch"


class SettlementNeedsPerson(DomainError):
    """The report was sent by somebody, not fetched from the rail: a person lets it be posted, no key does."""

    code = "settlement_needs_person"
    status = 403
    title = "A person lets this settlement be posted"


class LineNotFound(DomainError):
    """The line does not exist in this workspace."""

    code = "statement_line_not_found"
    status = 404
    title = "There is no such line of a statement"


class StatementFileControl(StatementFileRefused):
    """A control total or count of the file is not what its records make: something is missing or was changed.

    Nothing of the file was imported. ``total`` names it, ``told`` and ``counted`` are the two figures.
    """

    code = "statement_file_control"
    title = "A control total of the file is wrong"
