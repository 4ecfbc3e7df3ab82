"""What other apps do when somebody's role changes or ends."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from zentra.core.actors import Actor


class MemberChanged(Protocol):
    """Called inside the workspace and the transaction in which a role is changed or taken away."""

    def __call__(
        self, *, workspace_id: UUID, user_id: str, role_before: str, role: str, actor: Actor, now: datetime
    ) -> None:
        """``role`` is the new one, empty when the person is no member any more."""


_hooks: list[MemberChanged] = []


def on_member_changed(hook: MemberChanged) -> None:
    """Have an app follow: release what the person had claimed, give their cases to others. For ``AppConfig.ready``."""
    _hooks.append(hook)


def tell_hooks(*, workspace_id: UUID, user_id: str, role_before: str, role: str, actor: Actor, now: datetime) -> None:
    """Call what was registered, in its order."""
    for hook in _hooks:
        hook(workspace_id=workspace_id, user_id=user_id, role_before=role_before, role=role, actor=actor, now=now)
