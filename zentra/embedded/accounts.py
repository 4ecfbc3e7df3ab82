"""The unprivileged account under which the servers run when we are root (PostgreSQL refuses root)."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from zentra.embedded.errors import EmbeddedError

# The first that exists is used, so that nothing is added to the machine's list of users.
CANDIDATES = ("zentra", "nobody")


class PopenIdentity(TypedDict, total=False):
    """The keyword arguments of `subprocess.Popen` that change who the child is."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user of this machine, other than the one that we run as."""

    name: str
    uid: int
    gid: int

    def can_reach(self, path: Path) -> bool:
        """Whether this user may enter directory `path`, or execute file `path`, by that name.

        Asked of the kernel, by a child that is that user: modes alone do not know of access lists and mounts.
        """
        command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
        try:
            return subprocess.run(command, cwd="/", check=False, **popen_identity(self)).returncode == 0
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(
                f"We run as root but may not become the user {self.name} (uid {self.uid}): {error}. "
                "PostgreSQL refuses root, so start as an ordinary user, or name a usable one in ZENTRA_SERVICE_USER."
            ) from error


def popen_identity(account: Account | None) -> PopenIdentity:
    """What `subprocess.Popen` needs to start a child as `account`; nothing when the child is to be who we are."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def service_account() -> Account | None:
    """The user for PostgreSQL and Redis: None (ourselves) unless we are root.

    Raises EmbeddedError when ZENTRA_SERVICE_USER names nobody, or this machine has none of the candidates.
    """
    if os.geteuid() != 0:
        return None
    named = os.environ.get("ZENTRA_SERVICE_USER")
    for name in (named,) if named else CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    if named:
        raise EmbeddedError(f"ZENTRA_SERVICE_USER={named} is not an ordinary user of this machine.")
    raise EmbeddedError(
        "We run as root, PostgreSQL refuses root, and this machine has neither a user `zentra` nor `nobody`. "
        "Start as an ordinary user, or name one in ZENTRA_SERVICE_USER."
    )
