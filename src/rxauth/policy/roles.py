"""The six roles that a person can have in an organization."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """A role, by the name that clients show; a person may have several, and holds the union of their permissions."""

    ADMINISTRATOR = "Administrator"
    DEVELOPER = "Developer"
    PRESCRIBER = "Prescriber"
    MEDICAL_OPERATIONS = "Medical Operations"
    STAFF = "Staff"
    SUPPORT = "Support"

    @property
    def id(self) -> str:
        """The identifier that clients name it by."""
        return f"rol_{self.name.lower()}"


DESCRIPTIONS: Final = MappingProxyType(
    {
        Role.ADMINISTRATOR: "Runs the organization: its people, settings, credentials and catalog. "
        "Adds and edits patients, sees prescriptions and orders, and neither signs nor sends them.",
        Role.DEVELOPER: "Looks after API credentials and webhooks. Sees no patient.",
        Role.PRESCRIBER: "Writes and signs prescriptions, once two people gave the authority to. "
        "Adds patients, and sends orders.",
        Role.MEDICAL_OPERATIONS: "Adds and edits patients, sends orders, and moves them to another pharmacy. "
        "Signs no prescription.",
        Role.STAFF: "Looks after people, settings and templates, and moves orders to another pharmacy. "
        "Edits no patient.",
        Role.SUPPORT: "Sees patients, prescriptions and orders, and moves orders to another pharmacy. "
        "Edits no patient.",
    }
)
_BY_TEXT: Final = MappingProxyType({text: role for role in Role for text in (role.id, role.value)})


def find_role(text: str) -> Role | None:
    """Returns the role that a client names by its identifier or its name; None: there is none."""
    return _BY_TEXT.get(text)
