"""Every settings page, and what each act says when it was done."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxauth.edge.settings import (
    accesses,
    activity,
    activity_charts,
    apps,
    catalog,
    connection_metadata,
    connection_own,
    connection_trial,
    connections,
    domains,
    emergency,
    machine,
    organization,
    organization_branding,
    organization_rules,
    providers,
    provisioning,
    team,
    team_member,
    templates,
    webhooks,
)
from rxauth.edge.settings.sections import Section

SECTIONS: Final[tuple[Section, ...]] = (
    *machine.SECTIONS,
    *apps.SECTIONS,
    *webhooks.SECTIONS,
    *organization.SECTIONS,
    *organization_rules.SECTIONS,
    *organization_branding.SECTIONS,
    *domains.SECTIONS,
    *emergency.SECTIONS,
    *provisioning.SECTIONS,
    *connections.SECTIONS,
    connection_trial.PAGE,
    connection_metadata.PAGE,
    *connection_own.SECTIONS,
    *providers.SECTIONS,
    *team.SECTIONS,
    *team_member.SECTIONS,
    activity.LIST,
    activity_charts.PAGE,
    *accesses.SECTIONS,
    activity.ENTRY_PAGE,
    *catalog.SECTIONS,
    *templates.SECTIONS,
)
NOTICES: Final[Mapping[str, str]] = MappingProxyType(
    {name: act.notice for section in SECTIONS for name, act in section.acts.items()}
)
