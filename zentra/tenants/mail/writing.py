"""What a mail says: plain text from ``templates/mail/<kind>.txt``, whose first line is the subject."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string

from zentra.tenants.mail.types import Kind

_MOST: Final = 200


def write_mail(*, kind: Kind, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and text. What people chose themselves (a name) can neither begin a line nor a header."""
    clean = {name: " ".join("".join(c if c.isprintable() else " " for c in value[:_MOST]).split())
             for name, value in values.items() if not name.endswith("_url")}  # fmt: skip
    links = {name: value for name, value in values.items() if name.endswith("_url")}
    page = render_to_string(f"mail/{kind}.txt", {**clean, **links, "base_url": settings.ZENTRA_BASE_URL})
    subject, _, text = page.strip().partition("\n")
    return subject.strip(), text.strip() + "\n"
