"""The product's settings with one more URL: the bare endpoint that the intake is measured against."""

from zentra.settings import *  # noqa: F403  # everything of the product, unchanged

ROOT_URLCONF = "bench.urls"
