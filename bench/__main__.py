"""``make bench``: everything that is measured, one after the other.

Each in a process of its own: Django reads its settings once, and each measurement has a server of its own.
"""

import subprocess
import sys

for module in ("bench.posting", "bench.moments", "bench.intents"):
    subprocess.run([sys.executable, "-m", module], check=True)
