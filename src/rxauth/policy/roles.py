"""The six roles that a person can have in an organization."""

from enum import StrEnum


class Role(StrEnum):
    """A role, by the name that clients show; a person may have several, and holds the union of their permissions."""

    ADMINISTRATOR = "Administrator"
    DEVELOPER = "Developer"
    PRESCRIBER = "Prescriber"
    MEDICAL_OPERATIONS = "Medical Operations"
    STAFF = "Staff"
    SUPPORT = "Support"
