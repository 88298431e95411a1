"""What the tests of the management contract ask, and the facts of a provider that they give."""

from typing import Any

NPI = "1234567893"
VERIFICATION = "{ source reference checkedAt checkedBy }"
FACTS = f"""{{
  NPI npiVerification {VERIFICATION} effectiveUntil
  licences {{ state number status expiresOn verification {VERIFICATION} }}
  registrations {{ number state schedules expiresOn status verification {VERIFICATION} }}
}}"""
AUTHORITY = f"""{{
  userId state refusal reason effectiveFrom proposedBy approvedBy approvedAt changedAt
  facts {FACTS} proposal {{ id kind askedBy askedAt facts {FACTS} }}
}}"""
# The arguments of each mutation, as variables of these names.
ARGUMENTS = {
    "proposeProviderAuthority": {"userId": "ID!", "facts": "ProviderFactsInput!"},
    "changeProviderAuthority": {"userId": "ID!", "facts": "ProviderFactsInput!"},
    "askRestoreProviderAuthority": {"userId": "ID!", "facts": "ProviderFactsInput"},
    "approveProviderAuthority": {"userId": "ID!", "proposalId": "ID!"},
    "rejectProviderAuthority": {"userId": "ID!", "proposalId": "ID!", "reason": "AuthorityReason!"},
    "suspendProviderAuthority": {"userId": "ID!", "reason": "AuthorityReason!"},
    "revokeProviderAuthority": {"userId": "ID!", "reason": "AuthorityReason!"},
    "limitProviderLicence": {
        "userId": "ID!",
        "state": "String!",
        "number": "String!",
        "status": "LicenceStatus!",
    },
}
CHECKED = {"source": "board's website", "reference": "lookup 17"}


def mutation(name: str) -> str:
    """Returns the document of a mutation, which shows the whole authority."""
    declared = ", ".join(f"${argument}: {kind}" for argument, kind in ARGUMENTS[name].items())
    given = ", ".join(f"{argument}: ${argument}" for argument in ARGUMENTS[name])
    return f"mutation({declared}) {{ {name}({given}) {AUTHORITY} }}"


def licence(**changes: Any) -> dict[str, Any]:
    """Returns a licence in New York that holds for another month; None leaves a member out."""
    good = {
        "state": "NY",
        "number": "123456",
        "status": "ACTIVE",
        "expiresOn": "2026-12-31",
        "verification": CHECKED,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def facts(*licences: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns facts that can be approved; None leaves a member out."""
    good = {"NPI": NPI, "npiVerification": CHECKED, "licences": licences or (licence(),)}
    return {name: value for name, value in (good | changes).items() if value is not None}
