"""WSGI composition root, for API processes: two to three times Daphne's rate for synchronous work."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")
application = get_wsgi_application()
