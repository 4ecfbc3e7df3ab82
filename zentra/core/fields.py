"""Model fields of our own."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models

from zentra.core import ids

if TYPE_CHECKING:
    _UUIDField = models.UUIDField[Any, Any]
else:
    # Django's fields are generic to the type checker only.
    _UUIDField = models.UUIDField


class IdField(_UUIDField):
    """A uuid column whose Python value is the public id, ``acct_01k…``."""

    def __init__(self, *args: Any, prefix: str = "", **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "prefix": self.prefix}

    def from_db_value(self, value: UUID | None, *_: Any) -> str | None:
        return None if value is None else ids.to_public(self.prefix, value)

    def to_python(self, value: Any) -> str | None:
        if isinstance(value, UUID):
            return ids.to_public(self.prefix, value)
        return None if value is None else str(value)

    def get_prep_value(self, value: Any) -> UUID | None:
        if value is None or isinstance(value, UUID):
            return value
        return ids.to_uuid(str(value), prefix=self.prefix)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: ARG002  # Django's signature
        return value if prepared else self.get_prep_value(value)
