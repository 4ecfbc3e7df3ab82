"""The policy rooms' pages and forms."""

from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.views import drafts, policy, policy_limits, policy_lists, rule_builder

_P = "w/<slug:slug>/policy/"
_D = _P + "drafts/<str:draft_id>/"
_L = _P + "lists/<str:list_id>/"
_form = require_http_methods(["GET", "POST"])

urlpatterns = [
    path(_P, require_GET(policy.show_policy), name="policy"),
    path(_P + "versions/", require_GET(policy.show_versions), name="rule_sets"),
    path(_P + "versions/<str:number>/", require_GET(policy.show_version), name="rule_set"),
    path(_P + "versions/<str:number>/roll-back/", require_POST(policy.go_back), name="rule_set_roll_back"),
    path(_P + "diff/", require_GET(policy.show_diff), name="rule_set_diff"),
    path(_P + "drafts/", require_GET(drafts.show_drafts), name="drafts"),
    path(_P + "drafts/new/", require_POST(policy.start_draft), name="draft_new"),
    path(_D, require_GET(drafts.show_draft), name="draft"),
    path(_D + "validate/", require_POST(drafts.validate), name="draft_validate"),
    path(_D + "publish/", require_POST(drafts.publish), name="draft_publish"),
    path(_D + "discard/", require_POST(drafts.discard), name="draft_discard"),
    path(_D + "rebase/", require_POST(drafts.rebase), name="draft_rebase"),
    path(_D + "take-out/", require_POST(drafts.take_out), name="draft_take_out"),
    path(_D + "settings/", require_POST(drafts.settings), name="draft_settings"),
    path(_D + "rules/<str:name>/", _form(rule_builder.rule), name="draft_rule"),
    path(_D + "limits/<str:name>/", _form(rule_builder.limit), name="draft_limit"),
    path(_P + "limits/", require_GET(policy_limits.show_limits), name="limits"),
    path(_P + "lists/", require_GET(policy_lists.show_lists), name="lists"),
    path(_P + "lists/add/", require_POST(policy_lists.add), name="list_add"),
    path(_L, require_GET(policy_lists.show_list), name="list"),
    path(_L + "add/", require_POST(policy_lists.add_values), name="list_values_add"),
    path(_L + "items/remove/", require_POST(policy_lists.remove_value), name="list_value_remove"),
    path(_L + "remove/", require_POST(policy_lists.remove), name="list_remove"),
]
