"""Every page and form of the console. The workspace is in the path; a door without a permission fails the build."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import (
    accounts,
    doorway,
    events,
    find,
    first_intent,
    intents,
    outgoing,
    packets,
    reviews,
    room,
    webhooks,
)

_W = "w/<slug:slug>/"

urlpatterns = [
    path("", doorway.home, name="home"),
    path("sign-in/", doorway.sign_in, name="account_login"),
    path("sign-in/second-step/", doorway.second_step, name="mfa_authenticate"),
    path("sign-out/", doorway.sign_out, name="account_logout"),
    path(_W, require_GET(room.show_room), name="room"),
    path(_W + "intents/", require_GET(intents.show_intents), name="intents"),
    path(_W + "intents/<str:intent_id>/", require_GET(intents.show_intent), name="intent"),
    path(_W + "intents/<str:intent_id>/packet/", require_GET(packets.export), name="packet"),
    path(_W + "intents/<str:intent_id>/assign/", require_POST(reviews.assign), name="assign"),
    path(_W + "reviews/", require_GET(reviews.show_reviews), name="reviews"),
    path(_W + "reviews/<str:intent_id>/decide/", require_POST(reviews.decide), name="decide"),
    path(_W + "events/", require_GET(events.show_events), name="events"),
    path(_W + "events/<str:event_id>/", require_GET(events.show_event), name="event"),
    path(_W + "webhooks/", require_GET(webhooks.show_deliveries), name="webhooks"),
    path(_W + "webhooks/replay/", require_POST(webhooks.replay), name="replay"),
    path(_W + "accounts/", require_GET(accounts.show_accounts), name="accounts"),
    path(_W + "accounts/<str:account_id>/", require_GET(accounts.show_account), name="account"),
    path(_W + "ledger/", require_GET(accounts.show_ledger), name="ledger"),
    path(_W + "outgoing/", require_GET(outgoing.show_switches), name="outgoing"),
    path(_W + "outgoing/switch/", require_POST(outgoing.switch), name="outgoing_switch"),
    path(_W + "first-intent/", require_GET(first_intent.show), name="first_intent"),
    path(_W + "first-intent/send/", require_POST(first_intent.send), name="first_intent_send"),
    path(_W + "find/", require_GET(find.show), name="find"),
]
