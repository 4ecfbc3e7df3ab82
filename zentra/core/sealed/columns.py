"""Every column that holds something encrypted. A test looks for one that is missing here, by three ways.

Adding an encrypted column is a row here in the same change: otherwise nobody could ever drop a key.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["bytes", "text", "json"]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that may hold sealed values; ``key`` is the primary key by which its rows are walked.

    ``kind`` is how a value is stored: the bytes themselves, a text, or texts anywhere inside a JSON document.
    ``where`` narrows the rows down, as SQL. ``what`` says what is lost when no key opens it.
    """

    table: str
    column: str
    what: str
    key: tuple[str, ...] = ("id",)
    kind: Kind = "bytes"
    where: str = "true"

    @property
    def name(self) -> str:
        """The column as a report names it."""
        return f"{self.table}.{self.column}"


# Sealed values begin so (Fernet's version and the first bytes of its time, in base64): an index is no help where only
# some rows of a table are sealed, but reading six bytes of each is cheap.
MARK: Final = "gAAAAA"
_SOME: Final = f"substring({{}} FROM 1 FOR {len(MARK)}) = '{MARK}'"

PUBLIC: Final = (
    SealedColumn("tenants_signing_key", "private_key", "keys that sign access tokens"),
    SealedColumn("tenants_outgoing_mail", "sealed", "mails that wait", where="sealed IS NOT NULL"),
    SealedColumn("mfa_authenticator", "data", "second factors: TOTP secrets, recovery codes", kind="json"),
    SealedColumn("work_item", "ref", "work that names a person", kind="text", where=_SOME.format("ref")),
)
TENANT: Final = (
    SealedColumn("evidence_log", "signing_key", "the key that signs the evidence log"),
    SealedColumn("webhooks_endpoint_secret", "secret", "secrets that sign webhooks"),
    SealedColumn("webhooks_endpoint_header", "value", "headers of webhook endpoints"),
    SealedColumn("routing_rail_secret", "secret_encrypted", "secrets of rails' callbacks"),
    SealedColumn("alarms_channel", "secret", "secrets of alarm webhooks", where="length(secret) > 0"),
    SealedColumn(
        "idempotency_key", "body", "first answers that showed a secret", key=("operation", "key"),
        where=_SOME.format("body"),
    ),
)  # fmt: skip
