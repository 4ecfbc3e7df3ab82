"""`python -m zentra.embedded up|down|reset|status|code|postgres|run|ephemeral`: what the Makefile calls."""

from __future__ import annotations

import argparse
import sys

from zentra.embedded.commands import go_down, reset, run_beside, show_code, show_status
from zentra.embedded.console import Console
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.layout import Layout
from zentra.embedded.testing import run_on_throw_away
from zentra.embedded.up import Up

HELP = {
    "up": "start everything and stay with it; Ctrl-C stops",
    "down": "stop what runs in this clone, from elsewhere",
    "reset": "stop, and delete this clone's data, secrets and logs",
    "status": "what runs, and whether it is ready",
    "code": "the one-time code that a demo person's authenticator shows now",
    "postgres": "start only PostgreSQL and Redis, migrated, and stay with them",
    "run": "run a command with the addresses and keys of what runs",
    "ephemeral": "run a command on a throw-away PostgreSQL and Redis",
}


def main(arguments: list[str]) -> int:
    """Do one command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m zentra.embedded", description="Zentra on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in HELP.items():
        command = commands.add_parser(name, help=text)
        if name in ("run", "ephemeral"):
            command.add_argument("words", nargs=argparse.REMAINDER)
        elif name == "code":
            command.add_argument("email")
    options = parser.parse_args(arguments)
    layout, console = Layout.of_this_clone(), Console()
    match options.command:
        case "up" | "postgres":
            return Up.from_environment().run(servers_only=options.command == "postgres")
        case "down":
            return go_down(layout, console)
        case "reset":
            return reset(layout, console)
        case "status":
            return show_status(layout, console)
        case "code":
            return show_code(layout, console, options.email)
        case "run":
            return run_beside(layout, options.words)
        case _:
            return run_on_throw_away(options.words)


def run(arguments: list[str]) -> None:
    """Do one command and exit; what cannot be done is said in a sentence."""
    try:
        sys.exit(main(arguments))
    except EmbeddedError as error:
        sys.exit(f"zentra: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run(sys.argv[1:])
