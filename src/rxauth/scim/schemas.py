"""The schemas that are served: users with the enterprise extension, and groups (RFC 7643 §4)."""

from typing import Final

from rxauth.scim.attributes import IMMUTABLE, READ_ONLY, Attribute, ResourceKind, Schema

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def _labelled(name: str, description: str, *types: str, subs: tuple[Attribute, ...] | None = None) -> Attribute:
    """Returns an attribute with several values, each with a label, and one of them the first choice."""
    value = (Attribute("value"), Attribute("display")) if subs is None else subs
    label = (Attribute("type", canonical=types), Attribute("primary", "boolean"))
    return Attribute(name, "complex", multi=True, description=description, subs=(*value, *label))


_NAME: Final = tuple(
    Attribute(one)
    for one in ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
)
_ADDRESS: Final = tuple(
    Attribute(one) for one in ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
)
_USER: Final = Schema(
    f"{CORE}:User",
    "User",
    "A person of the organization, as its identity provider tells of them",
    (
        Attribute(
            "userName", required=True, uniqueness="server", description="What the identity provider knows them by"
        ),
        Attribute("name", "complex", description="The parts of their name", subs=_NAME),
        Attribute("displayName", description="What they are called"),
        Attribute("nickName", description="What they are called among friends"),
        Attribute("profileUrl", "reference", references=("external",), description="A page about them"),
        Attribute("title", description="Their post"),
        Attribute("userType", description="How they belong to the organization"),
        Attribute("preferredLanguage", description="Which language they would rather read"),
        Attribute("locale", description="How dates and numbers are written for them"),
        Attribute("timezone", description="Where their clock is"),
        Attribute(
            "active",
            "boolean",
            description="Whether they may work here; false ends their sessions and suspends authority to prescribe",
        ),
        _labelled("emails", "Addresses; the primary one is whom an account is for", "work", "home", "other"),
        _labelled("phoneNumbers", "Telephone numbers", "work", "home", "mobile", "fax", "pager", "other"),
        _labelled("addresses", "Where letters reach them", "work", "home", "other", subs=_ADDRESS),
        Attribute(
            "groups",
            "complex",
            multi=True,
            mutability=READ_ONLY,
            description="The groups that have them as a member",
            subs=(
                Attribute("value", case_exact=True, mutability=READ_ONLY),
                Attribute("$ref", "reference", case_exact=True, mutability=READ_ONLY, references=("Group",)),
                Attribute("display", mutability=READ_ONLY),
                Attribute("type", mutability=READ_ONLY, canonical=("direct",)),
            ),
        ),
    ),
)
_ENTERPRISE: Final = Schema(
    ENTERPRISE,
    "EnterpriseUser",
    "What an employer knows of a person",
    (
        Attribute("employeeNumber", description="Their number among the staff"),
        Attribute("costCenter", description="Who pays"),
        Attribute("organization", description="For whom they work"),
        Attribute("division", description="In which part of it"),
        Attribute("department", description="In which part of that"),
        Attribute(
            "manager",
            "complex",
            description="To whom they report",
            subs=(
                Attribute("value", case_exact=True),
                Attribute("$ref", "reference", case_exact=True, references=("User",)),
                Attribute("displayName", mutability=READ_ONLY),
            ),
        ),
    ),
)
_GROUP: Final = Schema(
    f"{CORE}:Group",
    "Group",
    "A group of the identity provider; an administrator says what it gives",
    (
        Attribute("displayName", required=True, description="What it is called"),
        Attribute(
            "members",
            "complex",
            multi=True,
            description="The users in it",
            subs=(
                Attribute("value", case_exact=True, mutability=IMMUTABLE),
                Attribute("$ref", "reference", case_exact=True, mutability=IMMUTABLE, references=("User",)),
                Attribute("type", mutability=IMMUTABLE, canonical=("User",)),
                Attribute("display", mutability=READ_ONLY),
            ),
        ),
    ),
)
USER: Final = ResourceKind("User", "/Users", _USER, (_ENTERPRISE,))
GROUP: Final = ResourceKind("Group", "/Groups", _GROUP)
KINDS: Final = (USER, GROUP)
