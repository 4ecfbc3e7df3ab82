"""Where things are kept: the clone, its state directory, and the home of the servers' data."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from zentra.embedded.accounts import Account
from zentra.embedded.files import make_directory, write_private
from zentra.embedded.wheels import SHARED_HOME

CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The paths of one clone. `state` is ours alone: everything in it was made by Zentra."""

    clone: Path
    state: Path

    @classmethod
    def of_this_clone(cls) -> Layout:
        """`.zentra/` in the clone, or ZENTRA_STATE_DIR."""
        named = os.environ.get("ZENTRA_STATE_DIR")
        return cls(CLONE, Path(named).resolve() if named else CLONE / ".zentra")

    @property
    def log_dir(self) -> Path:
        """One log file per process."""
        return self.state / "log"

    @property
    def run_dir(self) -> Path:
        """What is true only while Zentra runs, or to recognise what a crash left running."""
        return self.state / "run"

    @property
    def demo_file(self) -> Path:
        """Addresses and sign-ins of the demo, for scripts (mode 0600)."""
        return self.state / "demo.json"

    @property
    def secrets_file(self) -> Path:
        """Passwords and keys, made once (mode 0600)."""
        return self.state / "secrets.json"

    @property
    def environment_file(self) -> Path:
        """The ZENTRA_* variables of the present run, for commands beside it (mode 0600)."""
        return self.run_dir / "environment.json"

    @property
    def supervisor_record(self) -> Path:
        """Who supervises now."""
        return self.run_dir / "supervisor.json"

    def make(self, account: Account | None) -> None:
        """Create the state directory, private but for the right of the servers' user to pass through it."""
        make_directory(self.state, mode=0o700 if account is None else 0o711)
        for directory in (self.log_dir, self.run_dir):
            make_directory(directory, mode=0o700)

    def service_home(self, account: Account | None) -> Path:
        """Where PostgreSQL and Redis keep their directories.

        In the state directory, unless their user cannot reach that (a clone under /root): then under /var/lib/zentra,
        by a hash of the clone's path.
        """
        if account is None or account.can_reach(self.state):
            return self.state
        return self._home_outside()

    def _home_outside(self) -> Path:
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        make_directory(SHARED_HOME, mode=0o755)
        home = make_directory(SHARED_HOME / digest, mode=0o711)
        note = home / "state-directory"
        if not note.exists():
            write_private(note, f"{self.state}\n")
        return home

    def remove(self, account: Account | None) -> list[Path]:
        """Delete everything that `make up` keeps for this clone; returns what was deleted."""
        removed = []
        homes = {self.state}
        if account is not None and self.state.exists() and not account.can_reach(self.state):
            homes.add(self._home_outside())
        for home in sorted(homes):
            if home.exists() and not home.is_symlink():
                shutil.rmtree(home)
                removed.append(home)
        return removed
