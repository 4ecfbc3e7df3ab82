"""Composition root of the workers: ``celery -A zentra.celery worker`` and ``… beat``."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zentra.settings")

from zentra.core.queue.broker import app  # the settings must be named first

__all__ = ["app"]
