"""Mail leaves from here."""

from datetime import timedelta
from typing import Final

from zentra.core.clock import now
from zentra.core.queue import Defer, WorkItem, handles, periodic
from zentra.core.tenancy import PLATFORM_SCHEMA, TenantRef
from zentra.tenants.mail.operations import WORK, deliver_mail, forget_mail

KEPT: Final = timedelta(days=30)


@handles(WORK)
def send(item: WorkItem, _ws: TenantRef) -> None:
    """Send one mail; one that the server did not take is due again later."""
    again = deliver_mail(mail_id=item.ref, now=now())
    if again is not None:
        raise Defer(again, "the mail was not taken")


@periodic("tenants.forget_mail", every_seconds=3600)
def forget(ws: TenantRef) -> None:
    """What was written is known for a month."""
    if ws.slug == PLATFORM_SCHEMA:
        forget_mail(before=now() - KEPT)
