"""Make the virtual environment and install the locked dependencies; at once done when the lock has not changed.

Run by the machine's own Python, before anything is installed: standard library only, and plain syntax, so that an
old Python can still say that it is too old.

    python3 zentra/embedded/install.py .venv requirements.txt
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Install what the requirement file names into the virtual environment. The exit status."""
    if sys.version_info[:2] < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        return fail(
            f"Zentra needs Python 3.11 or newer, and this is {found} ({sys.executable}). "
            "Name a newer one: make PYTHON=python3.12 up"
        )
    venv, requirements = (Path(argument).absolute() for argument in arguments)
    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make up` and `make test` at once: one installs, the other waits
        return install(venv, requirements)


def install(venv: Path, requirements: Path) -> int:
    """Bring the environment to exactly what the lock says, unless it was left that way."""
    wanted = digest(requirements)
    done = venv / f"{requirements.stem}.sha256"
    if done.is_file() and done.read_text(encoding="ascii") == wanted:
        return 0
    started = time.monotonic()
    say(f"installing the locked dependencies into {venv.name}/ (once; a minute or two)")
    python = venv / "bin" / "python"
    if not python.exists() or subprocess.call([str(python), "-c", ""]) != 0:
        status = make_venv(venv)
        if status != 0:
            return status
    command = [*pip_for(python), "install", "--require-hashes", "--no-deps", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "--progress-bar", "off", "--requirement", str(requirements)]
    status = subprocess.call(command, stdin=subprocess.DEVNULL)
    if status != 0:
        return fail("pip could not install the locked dependencies; what it said stands above. `make up` tries again.")
    done.write_text(wanted, encoding="ascii")
    say(f"dependencies installed in {time.monotonic() - started:.0f} s")
    return 0


def make_venv(venv: Path) -> int:
    """A new environment beside nothing else; pip comes from ensurepip, or is lent by this Python."""
    has_pip_inside = importlib.util.find_spec("ensurepip") is not None
    if not has_pip_inside and importlib.util.find_spec("pip") is None:
        return fail(
            f"{sys.executable} has neither ensurepip nor pip, so nothing can be installed. "
            "On Debian and Ubuntu: apt install python3-venv"
        )
    words = [sys.executable, "-m", "venv", "--clear", str(venv)]
    return subprocess.call(words if has_pip_inside else [*words, "--without-pip"], stdin=subprocess.DEVNULL)


def pip_for(python: Path) -> list[str]:
    """The words that run pip for the environment's Python."""
    if subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return [str(python), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(python)]


def digest(requirements: Path) -> str:
    """What the environment depends on: the lock, and the Python that made it."""
    return hashlib.sha256(f"{sys.version_info[:2]}\n".encode() + requirements.read_bytes()).hexdigest()


def say(text: str) -> None:
    """Progress, seen at once."""
    print(f"zentra     | {text}", flush=True)


def fail(text: str) -> int:
    """Say why it cannot go on; the exit status."""
    print(f"zentra: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    os.umask(0o022)  # the servers' unprivileged user reads binaries in here
    sys.exit(main(sys.argv[1:]))
