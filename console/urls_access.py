"""The Access log's pages."""

from django.urls import path
from django.views.decorators.http import require_GET

from console.views import access

_A = "w/<slug:slug>/access/"

urlpatterns = [
    path(_A, require_GET(access.show_access), name="access"),
    path(_A + "denials.csv", require_GET(access.download_denials), name="access_csv"),
    path(_A + "<str:event_id>/", require_GET(access.show_denial), name="denial"),
]
