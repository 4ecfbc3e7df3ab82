"""The pages of roles, teams and access reviews."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import access_review, roles, teams

_R = "w/<slug:slug>/roles/"
_T = "w/<slug:slug>/teams/"
_A = "w/<slug:slug>/access-review/"

urlpatterns = [
    path(_R, require_GET(roles.show_roles), name="roles"),
    path(_R + "new/", require_GET(roles.show_new), name="role_new"),
    path(_R + "new/save/", require_POST(roles.create), name="role_create"),
    path(_R + "check/", require_GET(roles.check), name="role_check"),
    path(_R + "changes/<str:change_id>/<str:what>/", require_POST(roles.decide_roles), name="role_change_decide"),
    path(
        "w/<slug:slug>/people/changes/<str:change_id>/<str:what>/",
        require_POST(roles.decide_members),
        name="member_change_decide",
    ),
    path(_R + "<str:key>/", require_GET(roles.show_role), name="role"),
    path(_R + "<str:key>/save/", require_POST(roles.save), name="role_save"),
    path(_R + "<str:key>/retire/", require_POST(roles.retire), name="role_retire"),
    path(_T, require_GET(teams.show_teams), name="teams"),
    path(_T + "add/", require_POST(teams.add), name="team_add"),
    path(_T + "<str:team_id>/", require_GET(teams.show_team), name="team"),
    path(_T + "<str:team_id>/save/", require_POST(teams.save), name="team_save"),
    path(_T + "<str:team_id>/remove/", require_POST(teams.remove), name="team_remove"),
    path(_A, require_GET(access_review.show_reviews), name="access_reviews"),
    path(_A + "start/", require_POST(access_review.start), name="access_review_start"),
    path(_A + "<str:review_id>/", require_GET(access_review.show_review), name="access_review"),
    path(_A + "<str:review_id>/lines.csv", require_GET(access_review.download), name="access_review_csv"),
    path(_A + "<str:review_id>/mark/", require_POST(access_review.mark_one), name="access_review_mark"),
    path(_A + "<str:review_id>/rest/", require_POST(access_review.mark_rest), name="access_review_rest"),
    path(_A + "<str:review_id>/sign/", require_POST(access_review.sign), name="access_review_sign"),
    path(_A + "<str:review_id>/abandon/", require_POST(access_review.abandon), name="access_review_abandon"),
]
