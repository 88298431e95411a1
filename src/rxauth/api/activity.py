"""What binds activity.graphql: the resolvers of the audit log, its verification, and what was done over time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxauth.api.management import accesses, activity, audit
from rxauth.api.schema import Resolver

RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {
            "auditEntries": audit.search,
            "auditEntry": audit.find,
            "auditActor": audit.find_actor,
            "auditVerification": audit.verification,
            "activitySeries": activity.of_event,
            "webhookDeliverySeries": activity.of_deliveries,
        },
        "MachineClient": {"tokenSeries": activity.of_client},
        "App": {"tokenSeries": activity.of_client},
        "AccessRecord": {"actorName": accesses.actor_name},
        "AuditEntry": {
            "at": audit.at_ms,
            "actorName": audit.actor_name,
            "targetName": audit.target_name,
            "details": audit.details,
        },
        "AuditCheckpoint": {"at": audit.at_ms},
        "AuditVerification": {
            "verifiedAt": audit.verified_at,
            "verifiedEntries": audit.verified("entries"),
            "problems": audit.verified("problems"),
            "isWhole": audit.verified("is_whole"),
            "verifiedCheckpoint": lambda state, _info: state.proven,
        },
    }
)
