"""Links to set another password are made and mailed here, so that asking for one tells nothing."""

from zentra.core.clock import now
from zentra.core.queue import WorkItem, handles
from zentra.core.tenancy import TenantRef
from zentra.tenants.passwords.operations import WORK, mail_reset


@handles(WORK)
def reset(item: WorkItem, _ws: TenantRef) -> None:
    """Mail a link, if the address is a person's."""
    mail_reset(ref=item.ref, now=now())
