"""Parties and their screening. Ids, states and counts only: what is personal stays in the workspace's tables."""

from typing import Final

from evidence.catalogue.fields import choice, flag, known, like, listing, maybe, null, ref, whole, words
from evidence.catalogue.types import EventType

_PARTY: Final = ref("pty", "The party.")
_VERSION: Final = whole("The version of the party from now on.")
_KYC: Final = known("The state of the verification.", "verified", "none", "pending", "rejected", "expired")
_SCREENING: Final = known("What the party's hits come to.", "clear", "unscreened", "unresolved", "confirmed")
_LIST: Final = ref("wls", "The watchlist.")

_DOCUMENT: Final = {
    "party_id": _PARTY,
    "document_id": ref("doc", "The document."),
    "document_type": known("What kind of document.", "passport", "id_card", "driving_licence", "residence_permit",
                           "registration", "address"),
    "kyc_state": _KYC,
    "version": _VERSION,
}  # fmt: skip
_VERIFICATION: Final = {
    "party_id": _PARTY,
    "verification_id": ref("ver", "The verification."),
    "vendor": words("Who verifies.", "sandbox"),
    "kyc_state": like(_KYC, "pending"),
}
_VERIFIED: Final = {
    "party_id": _PARTY,
    "kyc_before": like(_KYC, "pending"),
    "verification_id": maybe(ref("ver", "The verification by a vendor; null when a person decided.")),
    "reason_code": words("The vendor's code; own_word when a person decided.", "documents_match"),
}
_EXPIRED: Final = {
    **_VERIFIED,
    "kyc_before": like(_KYC, "verified"),
    "verification_id": null(ref("ver", "Always null: nobody decided.")),
    "reason_code": known("What ran out.", "verification", "document"),
}
_HIT: Final = {
    "hit_id": ref("hit", "The hit."),
    "party_id": _PARTY,
    "list_id": _LIST,
    "entry_id": ref("wle", "The entry of the list, as it was then."),
    "score": whole("How alike they are, 0 to 100.", 92),
}
_DECIDED: Final = {**_HIT, "screening": _SCREENING}
_RUN: Final = {
    "run_id": ref("run", "The run over all parties."),
    "number": whole("Its number; runs count up.", 7),
    "parties": whole("How many parties.", 10_000),
}

# fmt: off
ALL: Final[tuple[EventType, ...]] = (
    EventType("party.created", "Party created", "beside", "svc_policy",
              "A person or a company is known, and was screened at once.", "data.party_id",
              data={"party_id": _PARTY, "kind": choice("What it is.", "person", "company"), "version": _VERSION}),
    EventType("party.changed", "Party changed", "beside", "svc_policy",
              "Something that is known of a party changed; what a list could know was screened again.",
              "data.party_id",
              data={"party_id": _PARTY, "version": like(_VERSION, 2),
                    "changed": listing("Which fields; never what they say.", words("A field.", "country"))}),
    EventType("party.closed", "Party closed", "beside", "svc_policy",
              "A party is kept and changes no more.", "data.party_id",
              data={"party_id": _PARTY, "version": like(_VERSION, 3)}),
    EventType("party.document_added", "Document added", "beside", "svc_policy",
              "A document of a party was seen.", "data.document_id", data=_DOCUMENT),
    EventType("party.document_removed", "Document removed", "beside", "svc_policy",
              "A document of a party counts no more.", "data.document_id", data=_DOCUMENT),
    EventType("party.verification_started", "Verification started", "beside", "svc_policy",
              "A vendor is asked to verify a party.", "data.verification_id", data=_VERIFICATION),
    EventType("party.verification_abandoned", "Verification abandoned", "beside", "svc_policy",
              "Nobody waits for the vendor any longer.", "data.verification_id", data=_VERIFICATION),
    EventType("party.verified", "Party verified", "beside", "svc_policy",
              "A party is who it says, by a vendor's or a person's word.", "data.party_id", data=_VERIFIED),
    EventType("party.rejected", "Party rejected", "beside", "svc_policy",
              "A party could not be verified.", "data.party_id",
              data={**_VERIFIED, "reason_code": like(_VERIFIED["reason_code"], "documents_unreadable")}),
    EventType("party.expired", "Verification expired", "beside", "svc_policy",
              "A party's verification or its last document ran out.", "data.party_id", data=_EXPIRED),
    EventType("screening.completed", "Screening completed", "beside", "svc_policy",
              "A party was compared with every active list; a run over all parties says so once, as a run.",
              "data.party_id",
              data={
                  "party_id": _PARTY,
                  "reason": known("Why.", "created", "changed", "manual"),
                  "screening": _SCREENING,
                  "matches": whole("How many entries are alike enough to be hits.", 0),
                  "new_hits": whole("How many of them nobody has seen before.", 0),
                  "remembered": whole("How many of them somebody has cleared before.", 0),
                  "run_number": whole("The run that was the newest then; 0 before the first.", 7),
              }),
    EventType("screening.hit_found", "Hit found", "beside", "svc_policy",
              "A party may be an entry of a list; a case of compliance is open for it.", "data.hit_id", data=_HIT),
    EventType("screening.hit_lapsed", "Hit lapsed", "beside", "svc_policy",
              "The entry or the party changed, and they match no more.", "data.hit_id", data=_HIT),
    EventType("screening.hit_cleared", "Hit cleared", "beside", "svc_policy",
              "Somebody decided that the party is not the entry; it is remembered until either changes.",
              "data.hit_id", data=_DECIDED),
    EventType("screening.hit_confirmed", "Hit confirmed", "beside", "svc_policy",
              "Somebody decided that the party is the entry; its intents are declined.", "data.hit_id",
              data={**_DECIDED, "screening": like(_SCREENING, "confirmed")}),
    EventType("screening.hit_reopened", "Hit reopened", "beside", "svc_policy",
              "A confirmation was taken back; the same match is asked again as this hit.", "data.hit_id",
              data={**_DECIDED, "screening": like(_SCREENING, "unresolved")}),
    EventType("screening.run_started", "Screening of all parties started", "beside", "svc_policy",
              "Every active party is screened again.", "data.run_id",
              data={
                  **_RUN,
                  "reason": known("Why.", "list", "settings", "manual"),
                  "list_id": maybe(_LIST),
                  "list_version": maybe(whole("The version that became active.", 3)),
              }),
    EventType("screening.run_finished", "Screening of all parties finished", "beside", "svc_policy",
              "Every party that was active when it began has been screened.", "data.run_id",
              data={**_RUN, "new_hits": whole("How many hits are new.", 2)}),
    EventType("screening.settings_changed", "Screening set", "beside", "svc_policy",
              "From another score a match is a hit, or verifications last for another time.", "data.version",
              data={
                  "version": whole("The version of the settings.", 2),
                  "hit_from_score": whole("From which score, 0 to 100.", 80),
                  "kyc_lasts_days": whole("How many days.", 730),
              }),
    EventType("screening.finding_raised", "Monitoring found something", "beside", "svc_policy",
              "A scenario saw in somebody's history what compliance should look at; once for each period.",
              "data.finding_id",
              data={
                  "finding_id": ref("aml", "The finding."),
                  "party_id": maybe(_PARTY),
                  "scenario": known("Which scenario.", "structuring_over_days", "rapid_in_and_out",
                                    "dormant_then_active", "high_risk_corridor", "velocity_jump"),
                  "period": words("The period that it is about.", "2026-W47"),
                  "score": whole("How bad, 0 to 100.", 60),
                  "is_party_known": flag("Whether somebody keeps a party under that reference."),
              }),
)
# fmt: on
