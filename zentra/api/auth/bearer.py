"""What stands at a door: the credential is proven and counted by its limits, and only then are its scopes looked at.

Counted first, because a refused scope is recorded each time: whoever lacks one could fill the log otherwise.
"""

from typing import Final, Literal

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase

from zentra.api import limits
from zentra.api.auth.caller import Caller, check_scope
from zentra.api.auth.certificates import shown_certificate
from zentra.api.auth.errors import MalformedCredential, NetworkRefused, Unauthenticated, WorkspaceSuspended
from zentra.api.auth.keys import KEY_TOKEN, caller_of_key, check_key, prove_key
from zentra.api.auth.tokens import prove_token
from zentra.core import clock
from zentra.core.addresses import client_address
from zentra.tenants.access import PermissionDenied
from zentra.tenants.permissions import Permission
from zentra.tenants.services.secrets import hash_secret
from zentra.tenants.services.usage import LAST_USES

RateClass = Literal["read", "write", "heavy", "token", "sign_in"]
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiKey(HttpAuthBase):
    """Lets a request pass when its credential holds one permission.

    ``rate`` is the class of the route; without it the method says read or write. An end user's token passes only where
    ``end_user`` says so, and the view then keeps within that user's bounds.
    """

    openapi_scheme = "bearer"

    def __init__(self, permission: Permission, *, rate: RateClass | None = None, end_user: bool = False) -> None:
        self.permission = permission
        self.rate = rate
        self.end_user = end_user
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller; raises one of ``zentra.api.auth.errors``, PermissionDenied, or what the limits raise."""
        caller = prove(request)
        limits.admit(request, caller, self.rate or ("read" if request.method in _READS else "write"))
        named = request.headers.get("Zentra-Workspace")
        if named is not None:
            check_scope(caller, named)
        if caller.kind == "end_user" and not self.end_user:
            raise PermissionDenied("An end user's token does not open this.", scope=str(self.permission))
        if self.permission not in caller.scopes:
            raise PermissionDenied(f"This credential lacks the scope {self.permission}.", scope=str(self.permission))
        if caller.kind != "end_user":  # a customer's app is not the key in use, nor is its address the server's
            LAST_USES.note(caller.credential_id, address=client_address(request), now=clock.now())
        return caller


def prove(request: HttpRequest) -> Caller:
    """Whose credential the request shows, and that it counts now; raises Unauthenticated or one of its kinds.

    A wrong one, and one that is refused there or now, is counted against the address that it came from.
    """
    token = read_bearer(request.headers.get("Authorization"))
    proof = hash_secret(token)
    limits.check_address(request, proof)
    try:
        caller = _prove(request, token)
    except (Unauthenticated, NetworkRefused, WorkspaceSuspended):
        limits.note_wrong(request)
        limits.forget_right(proof)
        raise
    limits.note_right(proof)
    return caller


def _prove(request: HttpRequest, token: str) -> Caller:
    if token.startswith("eyJ"):
        return prove_token(request, token, now=clock.now())
    match = KEY_TOKEN.fullmatch(token)
    if match is None:
        raise MalformedCredential("The header must be: Authorization: Bearer zk_test_<key id>_<secret>.")
    credential = prove_key(match)
    caller = caller_of_key(credential)
    # Set before it is checked: what is refused from here on is refused to somebody.
    request.caller = caller  # type: ignore[attr-defined]
    check_key(credential, address=client_address(request), certificate=shown_certificate(request), now=clock.now())
    return caller


def read_bearer(header: str | None) -> str:
    """What stands behind ``Bearer``; raises Unauthenticated without one, MalformedCredential for another scheme."""
    if not header:
        raise Unauthenticated("Send Authorization: Bearer zk_test_…")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise MalformedCredential("The header must be: Authorization: Bearer zk_test_<key id>_<secret>.")
    return token.strip()
