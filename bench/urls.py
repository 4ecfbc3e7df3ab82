"""The product's URLs and ``/bench/select1``: what this server does at best when it asks the database once."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def select_one(_request: HttpRequest) -> HttpResponse:
    """One ``SELECT 1``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("1")


urlpatterns = [path("v1/bench/select1", select_one), path("", include("zentra.urls"))]
