"""``make bench``: everything that is measured, one after the other.

Each in a process of its own: Django reads its settings once, and each measurement has a server of its own.
"""

import subprocess
import sys
import time
from typing import Final

MODULES: Final = (
    "posting", "pgbench", "size", "moments", "intents", "access", "tenants", "policy", "limits", "screening",
    "webhooks",
)  # fmt: skip

for place, name in enumerate(MODULES, 1):
    print(f"[{place} of {len(MODULES)}] bench.{name}", flush=True)
    began = time.monotonic()
    subprocess.run([sys.executable, "-u", "-m", f"bench.{name}"], check=True)
    print(f"    {time.monotonic() - began:.0f} s", flush=True)
