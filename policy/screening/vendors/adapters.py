"""Which adapter speaks to which vendor. A new vendor is one module here and one line in the table."""

from collections.abc import Callable
from functools import cache
from typing import Final

from django.conf import settings

from policy.screening.vendors.sandbox import SandboxVendor
from policy.screening.vendors.types import VerificationVendor
from zentra.core.errors import DomainError


class VendorUnknown(DomainError):
    """There is no adapter for this vendor, or nobody said where it is (``ZENTRA_KYC_URL``)."""

    code = "vendor_unknown"
    status = 422
    title = "No vendor verifies here"


def vendor_named(name: str) -> VerificationVendor:
    """The adapter, with a pooled client that is kept for the life of the process. Raises VendorUnknown."""
    check_vendor(name)
    return VENDORS[name](settings.ZENTRA_KYC_URL)


def check_vendor(name: str) -> None:
    """That there is such a vendor and that somebody said where. Raises VendorUnknown."""
    if name not in VENDORS or not settings.ZENTRA_KYC_URL:
        raise VendorUnknown(f"{name[:40]!r} is no vendor that is set up here.")


@cache
def _sandbox(base_url: str) -> VerificationVendor:
    return SandboxVendor(base_url, timeout_seconds=settings.ZENTRA_PROVIDER_TIMEOUT_MS / 1000)


VENDORS: Final[dict[str, Callable[[str], VerificationVendor]]] = {"sandbox": _sandbox}
