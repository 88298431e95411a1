"""The sandbox's people: one for each role, with passwords that anybody may know, and a client to sign in with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rxauth.crypto import passwords as hashes
from rxauth.crypto.passwords import Cost
from rxauth.domain import clients, memberships, organizations, passwords, peoples_clients, users
from rxauth.domain.client_urls import Registered
from rxauth.domain.names import Name
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.sandbox import sample
from rxauth.storage.database import Transaction

SECOND_ORGANIZATION_NAME: Final = "Sandbox Clinic East"
CLIENT_NAME: Final = "Sandbox app"
CALLBACKS: Final = ("http://localhost:3000", "http://localhost:5173")


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """Somebody who signs in to the sandbox. in_both: is a member of the second organization too."""

    email: str
    password: str = field(repr=False)
    role: str
    in_both: bool = False


PEOPLE: Final = (
    SandboxPerson("admin@sandbox.example", "copper lantern river", Role.ADMINISTRATOR),
    SandboxPerson("developer@sandbox.example", "velvet comet garden", Role.DEVELOPER),
    SandboxPerson("prescriber@sandbox.example", "maple harbor window", Role.PRESCRIBER, in_both=True),
    SandboxPerson("operations@sandbox.example", "silver meadow clock", Role.MEDICAL_OPERATIONS),
    SandboxPerson("staff@sandbox.example", "orchid tunnel bakery", Role.STAFF),
    SandboxPerson("support@sandbox.example", "walnut bridge feather", Role.SUPPORT),
)
_NAMES: Final = {
    "admin": Name("Alex", "Admin"),
    "developer": Name("Dana", "Developer"),
    "prescriber": Name("Robin", "Prescriber", "Dr."),
    "operations": Name("Morgan", "Operations"),
    "staff": Name("Jamie", "Staff"),
    "support": Name("Casey", "Support"),
}


def make_hashes(cost: Cost) -> Mapping[str, str]:
    """Returns the hashes of the passwords, by address. Slow: make them before the transaction."""
    return {one.email: hashes.new_hash(one.password, cost) for one in PEOPLE}


def browser_client(transaction: Transaction) -> str | None:
    """Returns the client that people sign in with; None: this sandbox was made before there were people."""
    made = (one.id for one in clients.all_of_them(transaction) if one.name == CLIENT_NAME and one.any_organization)
    return next(made, None)


def add(transaction: Transaction, organization_id: str, hashed: Mapping[str, str], now_ms: int) -> str:
    """Adds the people, a second organization and the client that they sign in with; returns that client."""
    now = now_ms // 1000
    second = organizations.create(transaction, SECOND_ORGANIZATION_NAME, now)
    sample.load_organization(transaction, second.id, now_ms)
    for one in PEOPLE:
        name = _NAMES[one.email.partition("@")[0]]
        user = User(new_id(Kind.USER, now_ms), one.email, None, name, None, email_verified_at=now)
        users.add(transaction, user, now)
        passwords.store(transaction, user.id, hashed[one.email], now)
        for place in (organization_id, second.id) if one.in_both else (organization_id,):
            memberships.add(transaction, place, user.id, [Role(one.role)], now)
            if one.role == Role.PRESCRIBER:
                sample.hand_over(transaction, place, user.id)
    new = PeoplesClient(CLIENT_NAME, clients.SPA, Registered(CALLBACKS, CALLBACKS), any_organization=True)
    return peoples_clients.create_peoples_client(transaction, organization_id, new, now)[0]
