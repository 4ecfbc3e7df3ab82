"""``python -m evidence.catalogue > docs/events.md``; ``docs/event-schemas.json`` is written on the way."""

import sys

from evidence.catalogue import pages


def main() -> int:
    """Store the contract and print the page, unless the contract would lose something."""
    try:
        pages.write_contract()
    except pages.ContractShrinks as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(pages.as_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
