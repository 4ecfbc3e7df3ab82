"""How the clients prove themselves: with a key, or with short tokens that they fetch and renew by themselves."""

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from zentra.sdk._errors import AuthenticationError, ConfigurationError, UnexpectedAnswer

Certificate = str | tuple[str, str]
# Renewed while it still counts, so that no call carries one that ends on the way.
_MARGIN_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key, or a client with a secret or a certificate (PEM files: one with both parts, or certificate and key)."""

    api_key: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    certificate: Certificate | None = None
    ca_file: str | None = None

    def check(self) -> None:
        """Raise ConfigurationError for what cannot work."""
        if (self.api_key is None) == (self.client_id is None):
            raise ConfigurationError("Give an api_key, or a client_id with its client_secret or certificate.")
        if self.api_key is not None:
            if not is_word(self.api_key):
                raise ConfigurationError("api_key is the whole key, as in zk_test_…")
            return
        if self.client_secret is None and self.certificate is None:
            raise ConfigurationError("A client needs its client_secret, its certificate, or both.")
        if not is_word(self.client_id or "") or (self.client_secret is not None and not is_word(self.client_secret)):
            raise ConfigurationError("client_id is cli_…, client_secret the whole secret, as in zs_test_…")

    def headers(self) -> dict[str, str]:
        """What each call carries; a client's token is added when it is sent."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key is not None else {}

    def auth(self, base_url: str) -> "TokenAuth | None":
        """What fetches a client's tokens; none for a key."""
        return TokenAuth(f"{base_url}oauth/token", self) if self.client_id is not None else None

    def verify(self) -> ssl.SSLContext | bool:
        """What is trusted and shown in TLS; raises ConfigurationError for files that cannot be read."""
        if self.certificate is None and self.ca_file is None:
            return True
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate is not None:
                files = (self.certificate,) if isinstance(self.certificate, str) else self.certificate
                context.load_cert_chain(*files)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"The certificate cannot be read: {error}") from error
        return context


def is_word(text: str) -> bool:
    """Whether a text can stand in a header as it is."""
    return bool(text) and text.isascii() and not any(character.isspace() for character in text)


class TokenAuth(httpx.Auth):
    """Fetches a token before it is needed, and another one when the one it has is refused. Shared by threads or tasks.

    Of many calls at once one fetches, and the others wait for it.
    """

    requires_response_body = True

    def __init__(self, url: str, credentials: Credentials, *, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._url, self._credentials, self._stopwatch = url, credentials, stopwatch
        self._token, self._until = "", 0.0
        self._lock = threading.Lock()
        self._async_lock = asyncio.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx calls this for each request of a Zentra."""
        refused = ""
        for _ in range(2):
            with self._lock:
                if self._is_needed(refused):
                    answer = yield self._ask(request)
                    answer.read()
                    self._keep(answer)
                token = self._token
            response = yield _bear(request, token)
            if response.status_code != 401:
                return
            refused = token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx calls this for each request of an AsyncZentra."""
        refused = ""
        for _ in range(2):
            async with self._async_lock:
                if self._is_needed(refused):
                    answer = yield self._ask(request)
                    await answer.aread()
                    self._keep(answer)
                token = self._token
            response = yield _bear(request, token)
            if response.status_code != 401:
                return
            refused = token

    def _is_needed(self, refused: str) -> bool:
        """Whether there is no token that counts; another call may have renewed the one that was refused."""
        return self._stopwatch() >= self._until or (bool(refused) and refused == self._token)

    def _ask(self, request: httpx.Request) -> httpx.Request:
        form = {"grant_type": "client_credentials", "client_id": self._credentials.client_id or ""}
        if self._credentials.client_secret is not None:
            form["client_secret"] = self._credentials.client_secret
        headers = {"Accept": "application/json", "User-Agent": request.headers.get("User-Agent", "")}
        return httpx.Request("POST", self._url, data=form, headers=headers, extensions=request.extensions)

    def _keep(self, answer: httpx.Response) -> None:
        if answer.status_code in (429, 502, 503, 504):
            # Passes by itself: the session tries again as after a lost connection.
            raise httpx.ConnectError(f"The token address answered {answer.status_code}.", request=answer.request)
        said = _object(answer)
        if answer.status_code != 200:
            code, detail = str(said.get("error", "invalid_client")), str(said.get("error_description", ""))
            problem: dict[str, Any] = {"code": code, "title": code, "detail": detail, "status": answer.status_code}
            raise AuthenticationError(status=answer.status_code, problem=problem, retry_after=None)
        try:
            self._token, lasts = str(said["access_token"]), float(said["expires_in"])
        except (KeyError, TypeError, ValueError) as error:
            raise UnexpectedAnswer(f"{self._url} answered no token.") from error
        self._until = self._stopwatch() + max(lasts - _MARGIN_SECONDS, lasts / 2)


def _bear(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        parsed = answer.json()
    except ValueError as error:
        raise UnexpectedAnswer(f"{answer.url} answered something that is not JSON.") from error
    if not isinstance(parsed, dict):
        raise UnexpectedAnswer(f"{answer.url} answered JSON that is not an object.")
    return parsed
