"""Work whose arguments name what is another workspace's."""

from collections.abc import Callable
from functools import wraps

from zentra.core import actors
from zentra.core.clock import now
from zentra.core.queue import WorkItem
from zentra.core.tenancy import TenantRef
from zentra.tenants.denials.operations import record_denial

Handler = Callable[[WorkItem, TenantRef], None]


def of_this_workspace(*not_here: type[Exception]) -> Callable[[Handler], Handler]:
    """End an item that names something which is not its workspace's, and record that it tried.

    An item is committed with what it names, so one without can only be misdirected: trying again would change nothing.
    ``not_here`` is what the handler raises then.
    """

    def dress(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(item: WorkItem, ws: TenantRef) -> None:
            try:
                handler(item, ws)
            except not_here as refusal:
                record_denial(
                    actor=actors.RUNTIME,
                    action=item.kind,
                    reason="not here",
                    surface="task",
                    target=ws,
                    extra={"ref": item.ref[:80], "code": getattr(refusal, "code", "not_found")},
                    now=now(),
                )

        return guarded

    return dress
