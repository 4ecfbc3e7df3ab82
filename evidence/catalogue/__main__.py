"""``python -m evidence.catalogue > docs/events.md``; ``docs/event-schemas.json`` is written on the way."""

import sys

from evidence.catalogue import pages

if __name__ == "__main__":
    pages.CONTRACT_PATH.write_bytes(pages.render(pages.as_contract()))
    sys.stdout.write(pages.as_markdown())
