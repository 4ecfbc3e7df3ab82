"""Keys and clients of services, the certificates they show, and tokens that ended early. Never an address or a name."""

from typing import Final

from evidence.catalogue.fields import choice, flag, known, listing, maybe, moment, ref, whole, words
from evidence.catalogue.types import EventType

_CHANNEL: Final = known("Where it calls from.", "server", "web", "mobile", "partner")
_SCOPES: Final = listing("What it may do.", words("A scope.", "accounts.read"))
_DANGEROUS: Final = flag("Whether it moves real money or says who may, in a live workspace.", example=False)
_KEY: Final = {"key_id": ref("key", "The key.")}
_CLIENT: Final = {"client_id": ref("cli", "The client.")}

# fmt: off
ALL: Final = (
    EventType("key.issued", "Key issued", "beside", "svc_edge", "A person made an API key.", "data.key_id",
              data={
                  **_KEY, "scopes": _SCOPES, "channel": _CHANNEL, "is_dangerous": _DANGEROUS,
                  "expires_at": moment("When it ends by itself."),
                  "networks": whole("To how many networks it is bound; 0: to none.", 0),
                  "is_bound": flag("Whether it works with one certificate only.", example=False),
              }),
    EventType("key.rotated", "Key rotated", "beside", "svc_edge",
              "Another key took the place of one; both work until the old one ends.", "data.key_id",
              data={
                  **_KEY, "scopes": _SCOPES, "is_dangerous": _DANGEROUS,
                  "replaced_by": ref("key", "The new key."),
                  "ends_at": moment("When the old one ends."),
              }),
    EventType("key.revoked", "Key revoked", "beside", "svc_edge", "A key ended at once.", "data.key_id",
              data={**_KEY, "scopes": _SCOPES, "reason": choice("Why.", "asked", "leaked")}),
    EventType("client.created", "Client created", "beside", "svc_edge",
              "A person made an OAuth client.", "data.client_id",
              data={
                  **_CLIENT, "scopes": _SCOPES, "channel": _CHANNEL, "is_dangerous": _DANGEROUS,
                  "token_seconds": whole("How long its tokens live.", 600),
                  "networks": whole("To how many networks it is bound; 0: to none.", 0),
                  "requires_certificate": flag("Whether its tokens work with its certificate only.", example=False),
              }),
    EventType("client.changed", "Client changed", "beside", "svc_edge",
              "What a client may do, or how, is another; it counts at once.", "data.client_id",
              data={
                  **_CLIENT, "scopes": _SCOPES, "is_dangerous": _DANGEROUS,
                  "token_seconds": whole("How long its tokens live.", 600),
                  "networks": whole("To how many networks it is bound; 0: to none.", 0),
                  "requires_certificate": flag("Whether its tokens work with its certificate only.", example=False),
              }),
    EventType("client.secret_added", "Client secret added", "beside", "svc_edge",
              "A client has another secret.", "data.client_id",
              data={**_CLIENT, "secret_id": ref("csec", "The secret's own id."),
                    "old_ends_at": maybe(moment("When the one before ends."))}),
    EventType("client.secret_ended", "Client secret ended", "beside", "svc_edge",
              "A secret of a client ended.", "data.client_id",
              data={**_CLIENT, "secret_id": ref("csec", "The secret's own id."),
                    "reason": choice("Why.", "asked", "leaked")}),
    EventType("client.certificate_added", "Client certificate registered", "beside", "svc_edge",
              "A client may show another certificate.", "data.client_id",
              data={**_CLIENT, "certificate_id": ref("cert", "The registration."),
                    "by": choice("How it is recognised.", "thumbprint", "subject_name")}),
    EventType("client.certificate_ended", "Client certificate ended", "beside", "svc_edge",
              "A certificate counts no more, nor do the client's tokens until now.", "data.client_id",
              data={**_CLIENT, "certificate_id": ref("cert", "The registration.")}),
    EventType("client.revoked", "Client revoked", "beside", "svc_edge",
              "A client ended at once, with all its tokens.", "data.client_id",
              data={**_CLIENT, "scopes": _SCOPES, "reason": choice("Why.", "asked", "leaked")}),
    EventType("token.revoked", "Token revoked", "beside", "svc_edge",
              "An access token ended before its time.", "data.token_id",
              data={"token_id": words("The token's jti.", "tok_01jd3x7c2m9v5t0qk8w4z6r1bn"),
                    "credential_id": words("Whose it was.", "cli_01jd3x7c2m9v5t0qk8w4z6r1bn")}),
    EventType("end_user_token.issued", "End-user token issued", "beside", "svc_edge",
              "A token of minutes for one customer's own accounts.", "data.token_id", delivered=False,
              data={
                  "token_id": ref("eut", "The token; the actor of what it does."),
                  "scopes": _SCOPES, "channel": _CHANNEL,
                  "accounts": listing("The accounts that it sees.", ref("acct", "An account.")),
                  "max_amount_minor": maybe(whole("The most of one intent; none: no cap.", 5_000)),
                  "expires_at": moment("When it ends."),
              }),
)
# fmt: on
