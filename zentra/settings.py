"""Settings, all from the environment (12-factor). A missing or wrong one fails at once and names its variable."""

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    """The variable's text; without a default it must be set."""
    value = os.environ.get(name, "") or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. `make up` sets it; see docs/configuration.md.")
    return value


def env_bool(name: str, default: bool) -> bool:
    """1/true/yes/on or 0/false/no/off."""
    text = env(name, str(default)).lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    """A whole number, at least ``least``."""
    text = env(name, str(default))
    if not text.lstrip("-").isdigit() or int(text) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {text!r}.")
    return int(text)


def env_networks(name: str) -> list[str]:
    """Networks as CIDR, separated by commas; none when it is not set."""
    texts = [text.strip() for text in env(name, "").split(",") if text.strip()]
    try:
        return [str(ipaddress.ip_network(text)) for text in texts]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be networks such as 10.0.0.0/8, with commas: {error}.") from error


def parse_database_url(name: str) -> dict[str, Any]:
    """Django's database settings from ``postgresql://user:password@host:port/name?host=/socket/dir``."""
    parts = urlsplit(env(name))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:port/dbname.")
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": query.pop("port", str(parts.port or "")),
        "OPTIONS": query,
    }


def parse_email_url(name: str) -> dict[str, Any]:
    """The mail server of ``smtp://user:password@host:port?tls=starttls``; tls is starttls, tls or none.

    ``file:///directory`` writes each mail there instead. Nothing when the variable is empty: then nothing is sent, and
    what would be is kept and shown by a page.
    """
    text = env(name, "")
    if not text:
        return {}
    try:
        parts = urlsplit(text)
        query, port = dict(parse_qsl(parts.query)), parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}.") from error
    if parts.scheme == "file":
        if parts.netloc or query or not parts.path.strip("/"):
            raise ImproperlyConfigured(f"{name} must look like file:///directory, with the whole path.")
        return {}
    tls = query.pop("tls", "starttls")
    if parts.scheme != "smtp" or not parts.hostname or query or tls not in _SMTP_PORTS or parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like smtp://user:password@host:port?tls=starttls|tls|none.")
    return {
        "HOST": parts.hostname,
        "PORT": port or _SMTP_PORTS[tls],
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "TLS": tls,
    }


def parse_origins(name: str) -> frozenset[str]:
    """Exact origins, separated by commas: scheme, host and port where it is not the scheme's own; no path, no star."""
    origins = [origin.strip() for origin in env(name, "").split(",") if origin.strip()]
    for origin in origins:
        parts = urlsplit(origin)
        is_whole = f"{parts.scheme}://{parts.netloc}" == origin
        if parts.scheme not in {"https", "http"} or not parts.hostname or not is_whole or "*" in origin:
            raise ImproperlyConfigured(f"{name}: {origin!r} is no origin, such as https://app.example.com.")
    return frozenset(origins)


_SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}


DEBUG = env_bool("ZENTRA_DEBUG", False)
ZENTRA_SECRET_KEYS = [key for key in env("ZENTRA_SECRET_KEYS").split(",") if key]
if any(len(key) < 32 for key in ZENTRA_SECRET_KEYS):
    raise ImproperlyConfigured("ZENTRA_SECRET_KEYS: each key must have at least 32 characters.")
SECRET_KEY, *SECRET_KEY_FALLBACKS = ZENTRA_SECRET_KEYS

ZENTRA_PORT = env_int("ZENTRA_PORT", 8000, least=1)
ZENTRA_BASE_URL = env("ZENTRA_BASE_URL", f"http://localhost:{ZENTRA_PORT}").rstrip("/")
ZENTRA_STATE_DIR = Path(env("ZENTRA_STATE_DIR", str(BASE_DIR / ".zentra")))
ZENTRA_REDIS_URL = env("ZENTRA_REDIS_URL")
ZENTRA_OWNER_DATABASE_URL = env("ZENTRA_OWNER_DATABASE_URL", "")
ZENTRA_WORKER_THREADS = env_int("ZENTRA_WORKER_THREADS", 12, least=2)
ZENTRA_ALLOW_LOCAL_WEBHOOKS = env_bool("ZENTRA_ALLOW_LOCAL_WEBHOOKS", False)
ZENTRA_EGRESS_PROXY = env("ZENTRA_EGRESS_PROXY", "")
if ZENTRA_EGRESS_PROXY and not ZENTRA_EGRESS_PROXY.startswith(("http://", "https://")):
    raise ImproperlyConfigured("ZENTRA_EGRESS_PROXY: must be an http:// or https:// URL.")
ZENTRA_CALLBACK_RATE = env_int("ZENTRA_CALLBACK_RATE", 100, least=1)
ZENTRA_API_PROCESSES = env_int("ZENTRA_API_PROCESSES", 1, least=1)
ZENTRA_WRONG_CREDENTIALS = env_int("ZENTRA_WRONG_CREDENTIALS", 60, least=1)
ZENTRA_API_STATEMENT_MS = env_int("ZENTRA_API_STATEMENT_MS", 15_000, least=0)
# Web pages that may call /v1 with their visitors' own end-user tokens; nobody's may unless it is named.
ZENTRA_CORS_ORIGINS = parse_origins("ZENTRA_CORS_ORIGINS")
ZENTRA_PROVIDER_TIMEOUT_MS = env_int("ZENTRA_PROVIDER_TIMEOUT_MS", 2000, least=50)
# Where the verification vendor answers; the simulators' process does, wherever it runs.
ZENTRA_KYC_URL = env("ZENTRA_KYC_URL", "") or os.environ.get("ZENTRA_SANDBOX_URL", "")
ZENTRA_SEAL_EVERY_MS = env_int("ZENTRA_SEAL_EVERY_MS", 1000, least=100)
_hosts = [host for host in env("ZENTRA_ALLOWED_HOSTS", "").split(",") if host]
ALLOWED_HOSTS = [*_hosts, urlsplit(ZENTRA_BASE_URL).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [ZENTRA_BASE_URL]

# -- Database: three roles; a process has exactly one (manage.py sets ZENTRA_DATABASE_ROLE for owner's commands) -------
_URL_OF_ROLE = {
    "app": "ZENTRA_DATABASE_URL",
    "owner": "ZENTRA_OWNER_DATABASE_URL",
    "sealer": "ZENTRA_SEALER_DATABASE_URL",
}
ZENTRA_DATABASE_ROLE = env("ZENTRA_DATABASE_ROLE", "app")
if ZENTRA_DATABASE_ROLE not in _URL_OF_ROLE:
    raise ImproperlyConfigured(f"ZENTRA_DATABASE_ROLE must be one of {', '.join(_URL_OF_ROLE)}.")
ZENTRA_APP_ROLE = parse_database_url("ZENTRA_DATABASE_URL")["USER"]
ZENTRA_SEALER_ROLE = parse_database_url("ZENTRA_SEALER_DATABASE_URL")["USER"]
_database = parse_database_url(_URL_OF_ROLE[ZENTRA_DATABASE_ROLE])
_database["OPTIONS"] |= {
    # Every connection rests in public; zentra.core.tenancy enters a schema for one transaction at a time.
    "options": "-c search_path=public -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000",
    "connect_timeout": 5,
    "application_name": f"zentra {ZENTRA_DATABASE_ROLE}",
}
_pool_size = env_int("ZENTRA_DATABASE_POOL", 20, least=1)
if ZENTRA_DATABASE_ROLE == "app":
    # Under ASGI each request runs on a fresh thread; without the pool each would open a connection.
    _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": _pool_size, "timeout": 5}
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "zentra.core.db",
        "CONN_MAX_AGE": 0,
        # The pool hands out connections that a restarted server has forgotten unless they are checked.
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "TEST": {"SERIALIZE": False},
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Apps: public or tenant, never both --------------------------------------------------------------------------------
SHARED_APPS = [
    "daphne",
    "django_tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "zentra.core.queue",
    "zentra.tenants",
    "zentra.routing.directory",
]
TENANT_APPS = [
    "zentra.core.idempotency",
    "evidence",
    "ledger",
    "policy",
    "policy.screening",
    "zentra.routing",
    "zentra.runtime",
    "webhooks",
    "zentra.alarms",
    "zentra.reconciliation.statements",
    "zentra.reconciliation.matching",
    "zentra.reconciliation.closeout",
]
_STATELESS_APPS = ["zentra.api", "console", "zentra.demo"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS, *_STATELESS_APPS]
TENANT_MODEL = "tenants.Workspace"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_NAME = "public"

# -- Web ---------------------------------------------------------------------------------------------------------------
ROOT_URLCONF = "zentra.urls"
ASGI_APPLICATION = "zentra.asgi.application"
WSGI_APPLICATION = "zentra.wsgi.application"
APPEND_SLASH = False
MIDDLEWARE = [
    "zentra.middleware.CorrelationMiddleware",
    "zentra.hardening.HardeningMiddleware",
    "zentra.api.cors.CorsMiddleware",
    "zentra.api.middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "zentra.middleware.csp",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "zentra.middleware.session",
    "django.middleware.common.CommonMiddleware",
    "zentra.middleware.csrf",
    "zentra.middleware.auth",
    "zentra.middleware.sign_in_session",
    "zentra.middleware.messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "zentra.middleware.htmx",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("ZENTRA_STATIC_ROOT", str(ZENTRA_STATE_DIR / "static")))
WHITENOISE_USE_FINDERS = True
# Files of imports and exports. They have no URL: the API and the rooms stream them to whoever may read them.
ZENTRA_FILES_DIR = Path(env("ZENTRA_FILES_DIR", str(ZENTRA_STATE_DIR / "files")))
MEDIA_ROOT = ZENTRA_FILES_DIR
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": str(ZENTRA_FILES_DIR),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000  # the form of a rule of two hundred nodes

# -- People ------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "zentra.tenants.passwords.validators.MaximumLength"},
    {"NAME": "zentra.tenants.passwords.validators.Strength"},
    {"NAME": "zentra.tenants.passwords.validators.Breached"},
]
# A sorted file of SHA-1 digests of leaked passwords, such as Have I Been Pwned's; it is searched where it lies.
ZENTRA_BREACHED_PASSWORDS = env("ZENTRA_BREACHED_PASSWORDS", "")
if ZENTRA_BREACHED_PASSWORDS and not Path(ZENTRA_BREACHED_PASSWORDS).is_file():
    raise ImproperlyConfigured("ZENTRA_BREACHED_PASSWORDS: there is no such file.")
# How long the link works by which somebody who forgot their password sets another.
PASSWORD_RESET_TIMEOUT = 3600
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/sign-in/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "zentra.tenants.adapters.AccountAdapter"
# Tries are counted by zentra.tenants.lockout, so that nobody is locked out by somebody else.
ACCOUNT_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "zentra.tenants.adapters.MfaAdapter"
MFA_TOTP_ISSUER = "Zentra"
# One step before and one after, for clocks that differ; the database keeps which step was used.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Who may change a second factor is said by our own pages (console/views/second_factor.py), more strictly.
MFA_REAUTHENTICATION_REQUIRED = False
MFA_FORMS = {
    "authenticate": "zentra.tenants.second_factor.forms.SignInForm",
    "reauthenticate": "zentra.tenants.second_factor.forms.ReauthenticateForm",
    "activate_totp": "zentra.tenants.second_factor.forms.EnrolForm",
}
# For how long a code of the second factor stands for the acts after it; also before the factor itself is changed.
ZENTRA_STEP_UP_SECONDS = ACCOUNT_REAUTHENTICATION_TIMEOUT = env_int("ZENTRA_STEP_UP_SECONDS", 300, least=30)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# The longest that a workspace may set (session_hours); what it sets is held by zentra.tenants.sessions.
SESSION_COOKIE_AGE = 7 * 24 * 3600
_https = ZENTRA_BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
# Browsers take a __Host- cookie only over TLS, from this very host, for all of it: no neighbour can plant one.
_cookie = "__Host-" if _https else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_cookie}sessionid", f"{_cookie}csrftoken"
# No script of ours reads the token: it stands in the form.
CSRF_COOKIE_HTTPONLY = True
# What a page says after a form stands in the session, not in a cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
# Pages lead to TLS. The API refuses instead (zentra.api.middleware): a key that was sent in clear must be noticed.
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^v1(/|$)", r"^healthz$", r"^readyz$"]
_behind_proxy = env_bool("ZENTRA_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _behind_proxy else None
# Sign-in is limited per address: behind a proxy that is the client's, which the proxy appends to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = int(_behind_proxy)
# Whose Client-Cert header (RFC 9440) says which certificate a client showed; nobody's unless named.
ZENTRA_TRUSTED_PROXIES = env_networks("ZENTRA_TRUSTED_PROXIES")
CSRF_FAILURE_VIEW = "console.views.errors.stale_form"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# -- Alarms and mail ---------------------------------------------------------------------------------------------------
ZENTRA_EMAIL_URL = env("ZENTRA_EMAIL_URL", "")
_mail = parse_email_url("ZENTRA_EMAIL_URL")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if _mail else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _mail.get("HOST", ""), _mail.get("PORT", 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("USER", ""), _mail.get("PASSWORD", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("TLS") == "starttls", _mail.get("TLS") == "tls"
ZENTRA_EMAIL_FROM = env("ZENTRA_EMAIL_FROM", f"Zentra <zentra@{urlsplit(ZENTRA_BASE_URL).hostname or 'localhost'}>")
if not ZENTRA_EMAIL_FROM.isprintable() or "@" not in ZENTRA_EMAIL_FROM:
    raise ImproperlyConfigured("ZENTRA_EMAIL_FROM must be one mail address, such as Zentra <zentra@example.com>.")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ZENTRA_EMAIL_FROM
EMAIL_TIMEOUT = 10
# Bad for so long without a break before it rings, good for so long before it is over: flapping does neither.
ZENTRA_ALARM_RAISE_SECONDS = env_int("ZENTRA_ALARM_RAISE_SECONDS", 15)
ZENTRA_ALARM_CLEAR_SECONDS = env_int("ZENTRA_ALARM_CLEAR_SECONDS", 60)
ZENTRA_ALARM_REMIND_SECONDS = env_int("ZENTRA_ALARM_REMIND_SECONDS", 1800, least=1)
ZENTRA_ALARM_SEALING_LAG_SECONDS = env_int("ZENTRA_ALARM_SEALING_LAG_SECONDS", 60, least=1)
ZENTRA_ALARM_QUEUE_AGE_SECONDS = env_int("ZENTRA_ALARM_QUEUE_AGE_SECONDS", 60, least=1)
ZENTRA_ALARM_SILENT_SECONDS = env_int("ZENTRA_ALARM_SILENT_SECONDS", 30, least=5)
ZENTRA_ALARM_ENDPOINT_FAILURES = env_int("ZENTRA_ALARM_ENDPOINT_FAILURES", 5, least=1)
ZENTRA_ALARM_RAIL_SAMPLES = env_int("ZENTRA_ALARM_RAIL_SAMPLES", 5, least=1)
ZENTRA_ALARM_RAIL_PERCENT = env_int("ZENTRA_ALARM_RAIL_PERCENT", 50, least=1)
ZENTRA_ALARM_STUCK_SECONDS = env_int("ZENTRA_ALARM_STUCK_SECONDS", 1800, least=60)

# -- Cache and Celery: nothing here is truth ---------------------------------------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ZENTRA_REDIS_URL,
        "KEY_PREFIX": "zentra",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
# What kombu and redis-py call a Unix socket differs by scheme.
CELERY_BROKER_URL = ZENTRA_REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 300,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = {
    # Truth is in PostgreSQL: a tick that comes late or twice changes nothing, one that waits is dropped.
    "tick": {"task": "zentra.core.queue.tick", "schedule": 1.0, "options": {"expires": 2}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(ZENTRA_STATE_DIR / "celerybeat-schedule")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"correlated": {"()": "zentra.core.telemetry.Correlated"}},
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s: %(message)s request_id=%(request_id)s trace_id=%(trace_id)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["correlated"], "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "zentra": {"level": "INFO"},
        "celery": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.channels.server": {"level": "WARNING"},
    },
}
