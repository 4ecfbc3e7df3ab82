"""Why a list is not changed."""

from zentra.core.errors import DomainError


class ListNotFound(DomainError):
    """There is no such list here, or it was taken away."""

    code = "policy_list_not_found"
    status = 404
    title = "There is no such list"


class ListExists(DomainError):
    """A list of this name is there already."""

    code = "policy_list_exists"
    status = 409
    title = "A list of this name exists"


class ListInUse(DomainError):
    """The rules in force ask this list; without it they could not be answered."""

    code = "policy_list_in_use"
    status = 409
    title = "The rules in force ask this list"


class InvalidList(DomainError):
    """The list's name, kind or type of value is not one that can be."""

    code = "invalid_policy_list"
    status = 422
    title = "This cannot be a list"


class ItemNotFound(DomainError):
    """There is no such value on a list here."""

    code = "policy_list_item_not_found"
    status = 404
    title = "There is no such value"


class ItemExists(DomainError):
    """The value is on the list already; ``added_by``, ``added_at`` and ``item_id`` say since when."""

    code = "policy_list_item_exists"
    status = 409
    title = "The value is on the list already"


class InvalidItem(DomainError):
    """The value is not of the list's type, or its expiry has passed."""

    code = "invalid_policy_list_item"
    status = 422
    title = "This value cannot be on the list"


class ListFull(DomainError):
    """A list holds 100,000 values; what is longer is a watchlist."""

    code = "policy_list_full"
    status = 409
    title = "The list is full"
