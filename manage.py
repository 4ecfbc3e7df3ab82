#!/usr/bin/env python
"""Run a Django management command of Zentra, as the database role that it needs."""

import os
import sys

OWNER_COMMANDS = {"migrate_all", "rotate_secrets", "makemigrations", "sqlmigrate", "setup_roles"}
SEALER_COMMANDS = {"run_sealer"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in OWNER_COMMANDS:
        os.environ.setdefault("ZENTRA_DATABASE_ROLE", "owner")
    elif command in SEALER_COMMANDS:
        os.environ.setdefault("ZENTRA_DATABASE_ROLE", "sealer")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
