"""A customer's webhook consumer, as ``make up`` runs it: an example of one that loses nothing and doubles nothing.

``python -m zentra.demo.consumer --port 8091``

It uses the SDK and the standard library. What it received is kept in SQLite, once per ``webhook-id``, and what it makes
of it (``mirror.py``) is right in whatever order events came; a restart forgets nothing.

- ``POST /hooks/<workspace>``: a delivery. 204 when verified and kept, 401 when not.
- ``GET /received?workspace=&after=&limit=``: what was received, by sequence.
- ``GET /accounts?workspace=``, ``GET /intents?workspace=``: what follows from it.
- ``GET /gaps?workspace=``: the stretches of the log that did not arrive (yet, or because nobody subscribed to them).
- ``GET /control``, ``POST /control {"mode": …}``: how to behave from now on. ``up``; ``down`` hangs up; ``slow``
  answers after 3 s; ``reject`` answers 503; ``blackhole`` accepts and never answers; ``flaky`` fails half of the
  attempts. With ``"intents": ["intent_12BE", …]`` only the deliveries of these intents meet that behaviour, as when
  one shard is away.

Secrets are read from ``demo.json``, again whenever it changes, or given as ``--secret slug=whsec_…``,
more than once while they rotate.
"""

from zentra.demo.consumer.behaviour import MODES, Outages, Secrets
from zentra.demo.consumer.inbox import Inbox
from zentra.demo.consumer.server import Consumer

__all__ = ["MODES", "Consumer", "Inbox", "Outages", "Secrets"]
