"""What the providers pages ask the API."""

import re
from typing import Final

_FACTS: Final = """
fragment Checked on FactVerification { source reference checkedAt checkedByName }
fragment Facts on ProviderFacts {
  NPI npiVerification { ...Checked } effectiveUntil
  licences { state number status expiresOn verification { ...Checked } }
  registrations { number state schedules expiresOn status verification { ...Checked } }
}
"""
_AUTHORITY: Final = f"""
fragment Authority on ProviderAuthority {{
  userId name state refusal reason effectiveFrom proposedByName approvedByName approvedAt changedAt
  acts activePrescriptions approvalRefusal {{ code message }}
  npiCheck {{ NPI importedAt problem {{ code message }} }}
  facts {{ ...Facts }}
  proposal {{ id kind askedBy askedByName askedAt lapsesAt facts {{ ...Facts }} }}
}}
{_FACTS}"""
MANY: Final = f"""
query Providers($after: ID, $state: AuthorityState, $isFirst: Boolean!) {{
  waiting: providerAuthorities(waiting: true, first: 50) @include(if: $isFirst) {{
    userId name acts approvalRefusal {{ code message }}
    proposal {{ id kind askedBy askedByName askedAt lapsesAt facts {{ ...Facts }} }}
  }}
  providers: providerAuthorities(state: $state, after: $after, first: 25) {{
    userId name state refusal reason changedAt
    facts {{ licences {{ state status expiresOn }} effectiveUntil }}
  }}
  soon: providerExpirations(withinDays: 90, endedDays: 30, first: 25) @include(if: $isFirst) {{
    id what userId name on hasEnded state number
  }}
}}
{_FACTS}"""
SOON: Final = """
query Soon($after: ID) {
  providerExpirations(withinDays: 90, endedDays: 30, after: $after, first: 100) {
    id what userId name on hasEnded state number
  }
}
"""
WHOLE: Final = f"""
query Provider($userId: ID!, $after: Int) {{
  providerAuthority(userId: $userId) {{ ...Authority }}
  providerHistory(userId: $userId, after: $after, first: 25) {{
    number at event actorKind actorId actorName reason licenceState licenceStatus
  }}
}}
{_AUTHORITY}"""
ONE: Final = f"query Provider($userId: ID!) {{ providerAuthority(userId: $userId) {{ ...Authority }} }}{_AUTHORITY}"
CANDIDATES: Final = """
query Candidates($name: String, $after: ID) {
  providerCandidates(name: $name, after: $after, first: 25) { userId name email state }
}
"""
CANDIDATE: Final = """
query Candidate($userId: ID!) { providerCandidate(userId: $userId) { userId name email NPI state } }
"""


def _mutation(name: str, arguments: str) -> str:
    given = ", ".join(f"{one}: ${one}" for one in re.findall(r"\$(\w+)", arguments))
    return f"mutation ({arguments}) {{ {name}({given}) {{ userId }} }}"


PROPOSE: Final = _mutation("proposeProviderAuthority", "$userId: ID!, $facts: ProviderFactsInput!")
CHANGE: Final = _mutation("changeProviderAuthority", "$userId: ID!, $facts: ProviderFactsInput!")
RESTORE: Final = _mutation("askRestoreProviderAuthority", "$userId: ID!")
APPROVE: Final = _mutation("approveProviderAuthority", "$userId: ID!, $proposalId: ID!")
REJECT: Final = _mutation("rejectProviderAuthority", "$userId: ID!, $proposalId: ID!, $reason: AuthorityReason!")
SUSPEND: Final = _mutation("suspendProviderAuthority", "$userId: ID!, $reason: AuthorityReason!")
REVOKE: Final = _mutation("revokeProviderAuthority", "$userId: ID!, $reason: AuthorityReason!")
LIMIT: Final = _mutation(
    "limitProviderLicence", "$userId: ID!, $state: String!, $number: String!, $status: LicenceStatus!"
)
