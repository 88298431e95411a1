"""Samples of the settings pages; each tab has a file of its own beside this one, and is joined here."""

from typing import Final

from tests.edge import (
    page_samples_activity,
    page_samples_apps,
    page_samples_catalog,
    page_samples_connections,
    page_samples_domains,
    page_samples_machine,
    page_samples_organization,
    page_samples_providers,
    page_samples_provisioning,
    page_samples_team,
    page_samples_webhooks,
)
from tests.edge.page_sample import FRAME, SETTINGS, Sample

_FORBIDDEN = FRAME | {
    "tab": "activity",
    "meanings": ["read the audit log"],
    "names": ["read:audit"],
    "roles": ["Administrator"],
}
_ABSENT = SETTINGS | {"tab": "team", "explanation": None}

SAMPLES: Final = (
    Sample("settings-forbidden", "settings_forbidden.html", _FORBIDDEN),
    Sample("settings-absent", "settings_absent.html", _ABSENT),
    Sample("settings-without", "settings_without.html", FRAME | {"tab": "team", "organization_name": None}),
    *page_samples_machine.SAMPLES,
    *page_samples_apps.SAMPLES,
    *page_samples_webhooks.SAMPLES,
    *page_samples_domains.SAMPLES,
    *page_samples_organization.SAMPLES,
    *page_samples_connections.SAMPLES,
    *page_samples_provisioning.SAMPLES,
    *page_samples_providers.SAMPLES,
    *page_samples_team.SAMPLES,
    *page_samples_activity.SAMPLES,
    *page_samples_catalog.SAMPLES,
)
