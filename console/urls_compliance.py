"""The compliance rooms' pages and forms."""

from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.views import parties, party, party_acts, screenings, watchlists

_C = "w/<slug:slug>/compliance/"
_P = _C + "parties/<str:party_id>/"
_H = _C + "hits/<str:hit_id>/"
_L = _C + "watchlists/<str:list_id>/"
_V = _L + "versions/<str:version_id>/"

urlpatterns = [
    path(_C, require_GET(parties.show_parties), name="parties"),
    path(_C + "parties/new/", require_http_methods(["GET", "POST"])(parties.create), name="party_new"),
    path(_P, require_GET(party.show_party), name="party"),
    path(_P + "verify/", require_POST(party_acts.verify), name="party_verify"),
    path(_P + "abandon/", require_POST(party_acts.abandon), name="party_abandon"),
    path(_P + "kyc/", require_POST(party_acts.decide_kyc), name="party_kyc"),
    path(_P + "screen/", require_POST(party_acts.screen), name="party_screen"),
    path(_P + "change/", require_POST(party_acts.change), name="party_change"),
    path(_P + "close/", require_POST(party_acts.close), name="party_close"),
    path(_P + "documents/", require_POST(party_acts.add_document), name="party_document"),
    path(_P + "documents/remove/", require_POST(party_acts.remove_document), name="party_document_remove"),
    path(_P + "names/", require_POST(party_acts.add_name), name="party_name"),
    path(_P + "names/remove/", require_POST(party_acts.remove_name), name="party_name_remove"),
    path(_P + "identifiers/", require_POST(party_acts.add_identifier), name="party_identifier"),
    path(_P + "identifiers/remove/", require_POST(party_acts.remove_identifier), name="party_identifier_remove"),
    path(_H + "resolve/", require_POST(party_acts.resolve), name="hit_resolve"),
    path(_H + "reopen/", require_POST(party_acts.reopen), name="hit_reopen"),
    path(_C + "alerts/", require_GET(screenings.show_alerts), name="compliance_alerts"),
    path(_C + "screening/", require_GET(screenings.show_runs), name="screening_runs"),
    path(_C + "screening/start/", require_POST(screenings.start), name="screening_start"),
    path(_C + "screening/settings/", require_POST(screenings.change), name="screening_settings"),
    path(_C + "watchlists/", require_GET(watchlists.show_watchlists), name="watchlists"),
    path(_C + "watchlists/add/", require_POST(watchlists.add), name="watchlist_add"),
    path(_L, require_GET(watchlists.show_watchlist), name="watchlist"),
    path(_L + "import/", require_POST(watchlists.start), name="watchlist_import"),
    path(_V, require_GET(watchlists.show_version), name="watchlist_version"),
    path(_V + "activate/", require_POST(watchlists.activate), name="watchlist_activate"),
    path(_V + "discard/", require_POST(watchlists.discard), name="watchlist_discard"),
    path(_V + "cancel/", require_POST(watchlists.cancel), name="watchlist_cancel"),
]
