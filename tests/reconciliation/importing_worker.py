"""A worker that imports slowly until it is killed; started by a test, in a process of its own.

``python -m tests.reconciliation.importing_worker <workspace id> <import id>``
"""

import sys
import time
from typing import Any
from uuid import UUID


def main(workspace_id: str, import_id: str) -> None:
    """Write chunks of ten lines, saying so after each that committed."""
    import django

    django.setup()
    from zentra.core import tenancy
    from zentra.reconciliation.statements import importing, tasks

    real = importing.write_chunk

    def slowly(**more: Any) -> Any:
        if more["record"].lines_read:
            print("chunk", flush=True)  # the one before has committed
            time.sleep(0.2)
        return real(**more)

    vars(tasks).update(CHUNK_LINES=10, write_chunk=slowly)
    tasks.advance_import(ws=tenancy.resolve(UUID(workspace_id)), import_id=import_id, seconds=600)


if __name__ == "__main__":
    main(*sys.argv[1:])
