"""What the simulated rails and their bank write down: settlement reports and bank statements, fetched over HTTP.

Runs outside any transaction. Lists and files are bounded; whatever goes wrong is BooksUnavailable, and to be asked for
again later: nothing is lost by it, because a list is read from wherever it was left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import httpx
import orjson

from zentra.routing.providers.sandbox import Deadlines, new_client

LARGEST_LIST: Final = 1024 * 1024
LARGEST_FILE: Final = 64 * 1024 * 1024
PAGE: Final = 100
PATIENT: Final = Deadlines(connect=1.0, read=5.0, answer=20.0)


class BooksUnavailable(Exception):
    """The simulators do not answer, or not with what was asked for."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A report or a statement that can be fetched: its name, its place in the list, its currency."""

    id: str
    number: int
    currency: str


class SandboxBooks:
    """The books of the simulators at ``sandbox_url`` (``http://127.0.0.1:8090``). Close it, or use it in ``with``."""

    def __init__(self, sandbox_url: str, *, client: httpx.Client | None = None) -> None:
        self._root = sandbox_url.rstrip("/")
        self._client = client or new_client(PATIENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def list_reports(self, *, rail: str, connection_id: str, after: int) -> list[Announced]:
        """The batches that a rail paid out to a connection after a place in its list, oldest first; a page."""
        return self._list(f"/{rail}/settlements", {"connection_id": connection_id, "after": after, "limit": PAGE})

    def read_report(self, *, rail: str, batch: str) -> bytes:
        """The report of a batch, CSV."""
        return self._get(f"/{rail}/settlements/{quote(batch, safe='')}.csv", LARGEST_FILE)

    def list_statements(self, *, account: str, after: int, with_withheld: bool = False) -> list[Announced]:
        """The statements of a bank account, every currency, after a place in its list, oldest first; a page."""
        words = {"account": account, "after": after, "limit": PAGE, "withheld": int(with_withheld)}
        return self._list("/bank/statements", words)

    def read_statement(self, *, statement_id: str) -> bytes:
        """A statement, camt.053."""
        return self._get(f"/bank/statements/{quote(statement_id, safe='')}.xml", LARGEST_FILE)

    def tell_history(self, *, rail: str, connection_id: str, payments: Sequence[dict[str, object]]) -> dict[str, str]:
        """Have a rail know of payments of past days; its references by their keys."""
        answer = self._post(f"/{rail}/history", {"connection_id": connection_id, "payments": list(payments)})
        return {str(each["key"]): str(each["provider_reference"]) for each in answer["data"]}

    def tell_movement(self, movement: dict[str, object]) -> None:
        """Have the bank book somebody else's money, once per key."""
        self._post("/bank/movements", movement)

    def has_breaks(self, *, account: str) -> bool:
        """Whether breaks were ever planted at a bank account."""
        return b'"number"' in self._get(f"/bank/breaks?{urlencode({'account': account})}", LARGEST_LIST)

    def plant(self, *, place: str, body: dict[str, object]) -> None:
        """Plant breaks at a rail or at the ``bank``."""
        self._post(f"/{place}/breaks", body)

    def _list(self, path: str, words: dict[str, Any]) -> list[Announced]:
        content = self._get(f"{path}?{urlencode(words)}", LARGEST_LIST)
        try:
            rows = orjson.loads(content)["data"]
            return [Announced(str(row["id"]), int(row["number"]), str(row["currency"])) for row in rows]
        except (LookupError, TypeError, ValueError) as error:
            raise BooksUnavailable(f"{path} cannot be read") from error

    def _get(self, path: str, largest: int) -> bytes:
        try:
            with self._client.stream("GET", self._root + path) as response:
                response.raise_for_status()
                content = bytearray()
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > largest:
                        raise BooksUnavailable(f"{path} is too large")
                return bytes(content)
        except httpx.HTTPError as error:
            raise BooksUnavailable(f"{path}: {error}") from error

    def _post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        try:
            answer = self._client.post(self._root + path, json=body)
            answer.raise_for_status()
            read: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BooksUnavailable(f"{path}: {error}") from error
        return read
