"""What a person reads first in a packet: how to verify it, and one page that says what it holds."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

README: Final = """\
This is the evidence packet of one money intent. Nothing in it needs to be believed:

    python -m evidence.verifier PACKET.zip --key KEY

KEY is the note verifier key of the workspace's evidence log. Take it from a source other than this packet: the key
inside manifest.json is there for comparison only.

The verifier checks, without a network:

  manifest.sig   the log's signature (C2SP signed note, Ed25519) over the SHA-256 of manifest.json
  manifest.json  the SHA-256 of every other file, the trust block and one row for each event
  checkpoint     the log's signature over its size and root (C2SP tlog-checkpoint)
  events/        the exact bytes of each event; a leaf is SHA-256(0x00 || bytes) (RFC 6962)
  proofs/        the path from that leaf to the signed root (C2SP tlog-proof)
  sections/      what each part of the system showed at the moment of sealing

It recomputes every leaf and root, adds up the entries of every posting per currency, and derives the trust block from
the events again. first-page.html is the same for people to read.
"""

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:3rem auto;padding:0 1.5rem;color:#14171a}"
    "h1{font-size:1.5rem;margin:0 0 .25rem}p{margin:.25rem 0 1.5rem;color:#4a5259}"
    "dl{display:grid;grid-template-columns:8rem 1fr;gap:.25rem 1rem;margin:0 0 2rem}dt{color:#4a5259}dd{margin:0;"
    "overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:500;color:#4a5259}"
    "td,th{padding:.35rem 1.5rem .35rem 0;border-bottom:1px solid #dde1e4;vertical-align:top;white-space:nowrap}"
    "td:nth-child(4){white-space:normal;overflow-wrap:anywhere;width:100%}"
    "dd,td{font-variant-numeric:tabular-nums}td,dd{font-size:.9rem}@media print{body{margin:0;font-size:11px}}"
)


def first_page(manifest: Mapping[str, Any]) -> str:
    """One printable page: the trust block, then event · proof field · actor in log order."""
    trust, log = manifest["trust"], manifest["log"]
    block = "".join(f"<dt>{escape(name)}</dt><dd>{_text(value)}</dd>" for name, value in trust.items())
    rows = "".join(
        f"<tr><td>{_text(row['occurred_at'])}</td><td>{_text(row['event'])}</td>"
        f"<td>{_text(row['proof_field'])}</td><td>{_text(row['proof'])}</td><td>{_text(row['actor'])}</td></tr>"
        for row in manifest["rows"]
    )
    sealed_by = f"{log['origin']}, {log['size']} leaves, root {log['root']}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evidence packet {escape(manifest["intent_id"])}'
        f"</title><style>{_STYLE}</style><h1>Evidence packet of {escape(manifest['intent_id'])}</h1>"
        f"<p>Workspace {escape(manifest['workspace'])}, revision {manifest['revision']}, sealed"
        f" {escape(manifest['created_at'])}. Verify it before you rely on it: see README.txt.</p>"
        f"<dl>{block}<dt>sealed by</dt><dd>{escape(sealed_by)}</dd></dl>"
        "<table><thead><tr><th>Time</th><th>Event</th><th>Proof field</th><th>Proof</th><th>Actor</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></html>\n"
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(str(key))} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "<br>".join(_text(item) for item in value) or "none"
    return escape(str(value))
