"""Rate limits: that somebody asked too often. One record for each credential and class in a minute."""

from typing import Final

from evidence.catalogue.fields import known, maybe, ref, whole, words
from evidence.catalogue.types import EventType

# fmt: off
ALL: Final = (
    EventType("rate.limited", "Rate limit reached", "beside", "svc_edge",
              "A credential asked more often than it may; requests beyond the limit are answered 429 and do nothing."
              " The first in a minute is recorded.", "data.bucket", delivered=False,
              data={
                  "credential": words("The key or client that asked.", "key_01jd3x7c2m9v5t0qk8w4z6r1bn"),
                  "rate_class": known("The class of the route.", "read", "write", "heavy", "token"),
                  "bucket": known("Whose limit was spent.", "credential", "workspace"),
                  "quota": whole("How many are allowed at once.", 600),
                  "window_seconds": whole("In how many seconds they are earned again.", 2),
                  "method": words("The HTTP method.", "POST"),
                  "route": words("The route, without values.", "/v1/ledger-entries"),
                  "request_id": maybe(ref("req", "The request.")),
              }),
)
# fmt: on
