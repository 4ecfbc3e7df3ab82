"""``python -m evidence.verifier packet.zip --key <note verifier key>``: exit 0 only when everything was verified."""

import argparse
import sys
from pathlib import Path

from evidence.verifier.archive import read_file
from evidence.verifier.errors import VerificationError
from evidence.verifier.note import Verifier
from evidence.verifier.packet import verify_packet


def main(arguments: list[str] | None = None) -> int:
    """Verify one packet; 0 when all of it holds, 1 with one sentence when anything does not."""
    parser = argparse.ArgumentParser(
        prog="python -m evidence.verifier",
        description="Verify an audit packet offline. The key must come from outside the packet: it pins who made it.",
    )
    parser.add_argument("packet", type=Path, help="the packet's zip file")
    parser.add_argument("--key", required=True, help="the log's note verifier key, name+hash+base64")
    options = parser.parse_args(arguments)
    try:
        lines = verify_packet(read_file(options.packet), Verifier.parse(options.key))
    except VerificationError as error:
        return _fail(str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's file must never be answered with a traceback
        return _fail(f"the packet is malformed ({type(error).__name__}: {error})")
    sys.stdout.write("\n".join([*lines, "Verified: the packet is exactly what this log sealed.", ""]))
    return 0


def run() -> None:
    """What a single-file build starts (``python -m zipapp … --main evidence.verifier.__main__:run``)."""
    sys.exit(main())


def _fail(sentence: str) -> int:
    # Names inside a stranger's file reach this sentence; a terminal must not obey them.
    words = "".join(char if char.isprintable() else "?" for char in " ".join(sentence.split()))
    sys.stderr.write(f"Not verified: {words.rstrip('.')}.\n")
    return 1


if __name__ == "__main__":
    run()
