"""ASGI composition root: HTTP through Django, the live socket through Channels."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")

from django.core.asgi import get_asgi_application  # the settings must be named first

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  # Django must be set up first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from console.live.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
