"""The database backend: django-tenants' wrapper for its router and migrations, without its switching at run time.

django-tenants sets a session-wide search path before every statement and swallows an error while doing so; the next
query then reads the previous tenant's rows. Here the path of a connection is ``public`` from its start and is only
ever changed by ``SET LOCAL`` inside the transaction that ``zentra.core.tenancy`` opens, so that it ends with it.
"""

from typing import Any

from django_tenants.postgresql_backend import base
from django_tenants.utils import get_public_schema_name

from zentra.core.db.pooling import check_connection


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-tenants carries no types
    """A connection that rests in ``public``."""

    _left_public = False
    deferred: list[Any] | None = None
    """The writes that ``zentra.core.db.hot`` has put off in this connection's transaction; None outside of it."""

    @property
    def pool(self) -> Any:
        """The process's pool, which checks what it hands out in our way; Django leaves no other place to say so."""
        pool = super().pool
        if pool is not None:
            pool._check = check_connection
        return pool

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self.schema_name == get_public_schema_name() and not self._left_public:
            return
        # Only migrations and provisioning come here: they name a schema through django-tenants for a while.
        self._left_public = self.schema_name != get_public_schema_name()
        super()._handle_search_path(cursor)

    def close(self) -> None:
        self._left_public = False
        super().close()
