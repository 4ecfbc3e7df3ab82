"""How people prove who they are: passwords, passkeys, sessions, and the mails about them. Kept in ``platform``."""

from typing import Final

from evidence.catalogue.fields import choice, flag, known, ref, whole
from evidence.catalogue.types import EventType

_PERSON: Final = {"user_id": ref("usr", "The person; never a name or an address.")}
_MAIL: Final = {
    "mail_id": ref("mail", "The mail; never to whom, nor what it says."),
    "kind": known("What it is about.", "invitation", "password_reset", "role_changed"),
    "attempts": whole("How often it was tried before.", 0),
}
_PASSKEY: Final = {**_PERSON, "passkey": whole("The number of the passkey.", 7)}

# fmt: off
ALL: Final = (
    EventType("password.reset_requested", "Password reset asked for", "beside", "svc_edge",
              "A link to set another password was mailed to a person.", "data.user_id", delivered=False, data=_PERSON),
    EventType("password.changed", "Password changed", "beside", "svc_edge",
              "A person has another password; their other sessions ended.", "data.user_id", delivered=False,
              data={**_PERSON, "how": choice("By which way.", "change", "reset")}),
    EventType("session.ended", "Session ended", "beside", "svc_edge",
              "A session of a person was ended; its open pages ended with it.", "data.user_id", delivered=False,
              data={
                  **_PERSON,
                  "session_id": ref("ses", "The session."),
                  "reason": choice("Why.", "idle", "too_long", "ended", "password", "second_factor"),
              }),
    EventType("passkey.added", "Passkey added", "beside", "svc_edge",
              "A person set up a passkey.", "data.user_id", delivered=False,
              data={**_PASSKEY, "is_synced": flag("Whether the provider of the passkey keeps copies.")}),
    EventType("passkey.removed", "Passkey removed", "beside", "svc_edge",
              "A person's passkey ended.", "data.user_id", delivered=False, data=_PASSKEY),
    EventType("passkey.copy_suspected", "Passkey may have a copy", "beside", "svc_edge",
              "A passkey counted backwards, which one that was copied does; it was refused.", "data.user_id",
              delivered=False,
              data={**_PASSKEY, "counted": whole("The count that came.", 3), "kept": whole("The count before.", 9)}),
    EventType("sign_in.limited", "Sign-in limited", "beside", "svc_edge",
              "So many wrong passwords that none is looked at for a while.", "data.scope", delivered=False,
              data={"scope": choice("What is limited.", "device", "address and account", "account", "address")}),
    EventType("mail.sent", "Mail sent", "beside", "svc_runtime", "A mail to a person left.", "data.mail_id",
              delivered=False, data=_MAIL),
    EventType("mail.failed", "Mail failed", "beside", "svc_runtime",
              "A mail to a person could not be sent and is kept.", "data.mail_id", delivered=False, data=_MAIL),
    EventType("mail.expired", "Mail expired", "beside", "svc_runtime",
              "A mail to a person was not sent before its link ended.", "data.mail_id", delivered=False, data=_MAIL),
)
# fmt: on
