"""The decisions: what a token is granted, what a request may use, and whether that is enough."""

import datetime
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.policy import decide
from rxauth.policy.authority import Refusal, State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.permissions import MACHINE_DEFAULT, PERMISSIONS, Machine
from rxauth.policy.roles import Role
from rxauth.policy.subjects import (
    Caller,
    MachineSubject,
    NoOrganizationError,
    Prescriber,
    ProviderAuthority,
    Subject,
    UserSubject,
    Wish,
)

NOW = 1_000_000
NAMES = tuple(permission.name for permission in PERMISSIONS)
NEVER_A_MACHINE = [permission.name for permission in PERMISSIONS if permission.machine is Machine.NEVER]
LICENCES = (Licence("NY", "123456", LicenceStatus.ACTIVE, datetime.date(1999, 12, 31)),)
AUTHORITY = ProviderAuthority(State.APPROVED, NOW - 10, None, LICENCES)
SUSPENDED = replace(AUTHORITY, state=State.SUSPENDED, reason="board_action")

some_names = st.frozensets(st.sampled_from(NAMES))
machines = st.builds(MachineSubject, st.just("client"), st.just("org_1"), some_names)
people = st.builds(
    UserSubject,
    st.just("usr_1"),
    st.just("org_1"),
    st.frozensets(st.sampled_from(Role)),
    st.none()
    | st.builds(ProviderAuthority, st.sampled_from(State), st.integers(), st.none() | st.integers(), st.just(LICENCES)),
)
subjects = machines | people
moments = st.integers(0, 2 * NOW)


def machine(*permissions: str) -> MachineSubject:
    """Returns an organization's backend."""
    return MachineSubject("client", "org_1", frozenset(permissions))


def person(*roles: Role, authority: ProviderAuthority | None = None) -> UserSubject:
    """Returns a person of one organization."""
    return UserSubject("usr_1", "org_1", frozenset(roles), authority)


def called(subject: Subject, *permissions: str) -> Caller:
    """Returns what a token with these permissions lets the subject use."""
    return decide.caller(permissions, subject, "client", "token", NOW)


def test_a_machine_that_asks_for_nothing_in_particular_gets_what_it_was_given_in_the_documented_order() -> None:
    given_backwards = machine(*reversed(MACHINE_DEFAULT))

    assert decide.granted(given_backwards, (), NOW) == decide.Granted(MACHINE_DEFAULT)


def test_a_narrower_scope_is_granted_as_asked_in_the_order_of_the_table() -> None:
    asked = ("write:order", "read:patient")

    assert decide.granted(machine(*MACHINE_DEFAULT), asked, NOW) == decide.Granted(("read:patient", "write:order"))


@pytest.mark.parametrize(
    ("subject", "asked", "name", "reason"),
    [
        (machine("read:patient"), ("read:order",), "read:order", "this client was not given it"),
        (machine("read:patient"), ("read:patient", "read:order"), "read:order", "this client was not given it"),
        (machine(), ("read:patient",), "read:patient", "this client was not given it"),
        (machine("manage:user_roles"), ("manage:user_roles",), "manage:user_roles", "no machine may hold it"),
        (machine("read:patient"), ("openid",), "openid", "there is no such permission"),
        (machine("read:patient"), ("READ:PATIENT",), "READ:PATIENT", "there is no such permission"),
        (
            machine("write:prescription"),
            ("write:prescription",),
            "write:prescription",
            "a machine never holds write:prescription; only authorized providers do",
        ),
    ],
)
def test_a_scope_that_cannot_be_granted_to_a_machine_is_refused_whole_by_name_and_reason(
    subject: MachineSubject, asked: tuple[str, ...], name: str, reason: str
) -> None:
    assert decide.granted(subject, asked, NOW) == decide.ScopeRefused(name, reason)


def test_nothing_given_means_nothing_held() -> None:
    assert decide.held(machine(), NOW) == decide.held(person(), NOW) == ()
    assert decide.granted(machine(), (), NOW) == decide.Granted(())
    assert decide.granted_to_person(person(), (), NOW, all_if_none_is_named=True) == decide.Granted(())


@pytest.mark.parametrize(
    ("roles", "asked", "all_if_none_is_named", "granted"),
    [
        ([Role.DEVELOPER], (), False, ()),
        ([Role.DEVELOPER], ("openid", "no:such"), False, ()),
        ([Role.DEVELOPER], ("write:client", "read:client"), True, ("read:client", "write:client")),
        ([Role.DEVELOPER], ("write:client", "read:client"), False, ("read:client", "write:client")),
        ([Role.DEVELOPER], ("read:patient",), True, ()),
        ([Role.DEVELOPER], ("read:patient", "read:client"), False, ("read:client",)),
        ([Role.PRESCRIBER], ("write:prescription",), True, ()),
        ([Role.PRESCRIBER], ("write:prescription", "read:patient"), True, ()),
        ([Role.MEDICAL_OPERATIONS], ("write:prescription", "write:order"), True, ("write:order",)),
    ],
)
def test_a_person_gets_of_what_was_named_what_the_roles_hold(
    roles: list[Role], asked: tuple[str, ...], all_if_none_is_named: bool, granted: tuple[str, ...]
) -> None:
    """RFC 6749 §3.3: less than was asked for, never an error that tells who holds what."""
    answer = decide.granted_to_person(person(*roles), asked, NOW, all_if_none_is_named=all_if_none_is_named)

    assert answer.permissions == granted


def test_a_person_without_an_organization_holds_nothing() -> None:
    nowhere = UserSubject("usr_1", None, frozenset(Role), None)

    assert decide.held(nowhere, NOW) == ()
    with pytest.raises(NoOrganizationError):
        _ = called(nowhere, "read:patient").organization_id


@pytest.mark.parametrize("name", NEVER_A_MACHINE)
def test_what_no_machine_may_hold_is_not_held_by_a_machine_that_was_given_it(name: str) -> None:
    assert decide.held(machine(name, "read:patient"), NOW) == ("read:patient",)
    assert isinstance(decide.granted(machine(name), (name,), NOW), decide.ScopeRefused)
    assert called(machine(name), name).permissions == frozenset()


def test_an_authorized_prescriber_is_granted_write_prescription_while_the_authority_lasts() -> None:
    ends = person(Role.PRESCRIBER, authority=ProviderAuthority(State.APPROVED, NOW - 10, NOW + 10, LICENCES))

    assert "write:prescription" in decide.held(ends, NOW)
    assert "write:prescription" not in decide.held(ends, NOW + 10)


def test_a_token_is_worth_no_more_than_its_subject_still_holds() -> None:
    token = ("read:patient", "write:prescription")

    assert called(person(Role.PRESCRIBER, authority=AUTHORITY), *token).permissions == set(token)
    assert called(person(Role.PRESCRIBER, authority=SUSPENDED), *token).permissions == {"read:patient"}
    assert called(person(Role.PRESCRIBER), *token).permissions == frozenset()
    assert called(person(Role.DEVELOPER), *token).permissions == frozenset()
    assert called(machine("read:order"), *token).permissions == frozenset()


WAITING = ("role_pending", "the Prescriber role waits until this person is an authorized provider")
NOT_A_PROVIDER = ("not_a_provider", "this person is not an authorized provider of the organization")
ROLES: dict[str, tuple[ProviderAuthority | None, bool, tuple[str, str]]] = {
    "nobody proposed": (None, False, NOT_A_PROVIDER),
    **{
        str(state): (
            replace(AUTHORITY, state=state),
            state in (State.APPROVED, State.SUSPENDED),
            (f"authority_{state}", f"this provider's authority is {state}"),
        )
        for state in State
    },
}


@pytest.mark.parametrize("case", ROLES)
def test_the_prescriber_role_gives_nothing_until_the_authority_is_approved_and_nothing_after_it_is_revoked(
    case: str,
) -> None:
    authority, counts, (code, reason) = ROLES[case]
    one = person(Role.PRESCRIBER, Role.DEVELOPER, authority=authority)

    assert one.effective_roles == ({Role.PRESCRIBER, Role.DEVELOPER} if counts else {Role.DEVELOPER})
    assert set(decide.held(person(Role.DEVELOPER), NOW)) <= set(decide.held(one, NOW))
    assert ("write:order" in decide.held(one, NOW)) == counts
    if not counts:
        waiting = decide.require(called(one, *NAMES), ("write:order",), NOW)
        assert waiting == decide.Insufficient(("write:order",), Refusal(*WAITING))
    if authority != AUTHORITY:
        lacking = decide.require(called(one, *NAMES), ("write:prescription",), NOW)
        assert lacking == decide.Insufficient(("write:prescription",), Refusal(code, reason))


def test_a_role_that_nobody_gave_is_not_pending() -> None:
    staff = person(Role.STAFF, authority=AUTHORITY)

    assert staff.effective_roles == {Role.STAFF}
    assert decide.require(called(staff, *NAMES), ("write:prescription",), NOW) == decide.Insufficient(
        ("write:prescription",), Refusal("role_missing", "none of this person's roles has it")
    )


def test_the_permission_that_is_held_is_the_one_that_is_not_refused() -> None:
    """`held` computes with sets what `refusal` says of one permission: every set of roles, every state."""
    for size in range(len(Role) + 1):
        for roles in combinations(Role, size):
            for authority in (None, *(replace(AUTHORITY, state=state) for state in State)):
                one = person(*roles, authority=authority)
                single = [item.name for item in PERMISSIONS if decide.refusal(item, one, NOW) is None]
                assert list(decide.held(one, NOW)) == single


def test_a_token_is_worth_no_more_than_it_says() -> None:
    assert called(machine(*MACHINE_DEFAULT), "read:order").permissions == {"read:order"}
    assert called(machine(*MACHINE_DEFAULT)).permissions == frozenset()


def test_names_that_are_no_permissions_are_worth_nothing_in_a_token() -> None:
    assert called(machine("everything", "*"), "everything", "*", "").permissions == frozenset()


@pytest.mark.parametrize(
    ("caller", "any_of", "answer"),
    [
        (called(machine("read:order"), "read:order"), ("read:order",), None),
        (called(machine("write:order"), "write:order"), ("create:order", "write:order"), None),
        (
            called(machine(*MACHINE_DEFAULT), "read:order"),
            ("read:patient",),
            ("not_in_token", "the token was issued without it"),
        ),
        (
            called(machine("read:order"), "read:order", "read:patient"),
            ("read:patient",),
            ("not_given", "this client was not given it"),
        ),
        (
            called(machine("write:prescription"), "write:prescription"),
            ("write:prescription",),
            ("machine", "a machine never holds write:prescription; only authorized providers do"),
        ),
    ],
)
def test_a_requirement_is_met_by_any_of_its_permissions_or_refused_with_the_reason(
    caller: Caller, any_of: tuple[str, ...], answer: tuple[str, str] | None
) -> None:
    expected = None if answer is None else decide.Insufficient(any_of, Refusal(*answer))

    assert decide.require(caller, any_of, NOW) == expected


@given(people, st.lists(st.sampled_from([*NAMES, "no:such", "openid"]), max_size=6), st.booleans(), moments)
def test_whatever_a_person_is_granted_was_named_and_is_held(
    subject: UserSubject, asked: list[str], all_if_none_is_named: bool, now: int
) -> None:
    answer = decide.granted_to_person(subject, tuple(asked), now, all_if_none_is_named=all_if_none_is_named)

    named, held = set(asked) & set(NAMES), decide.held(subject, now)
    everything = set(held) if all_if_none_is_named else set()
    assert set(answer.permissions) == (named & set(held) if named else everything)
    assert list(answer.permissions) == sorted(answer.permissions, key=NAMES.index)


@given(machines, st.lists(st.sampled_from([*NAMES, "no:such"]), max_size=6), moments)
def test_whatever_is_granted_was_asked_for_and_is_held(subject: MachineSubject, asked: list[str], now: int) -> None:
    answer = decide.granted(subject, tuple(asked), now)

    held = decide.held(subject, now)
    if isinstance(answer, decide.ScopeRefused):
        assert answer.name in asked
        assert answer.name not in held
    else:
        assert set(answer.permissions) == (set(asked) or set(held))
        assert set(answer.permissions) <= set(held)
        assert list(answer.permissions) == sorted(set(answer.permissions), key=NAMES.index)


@given(subjects, st.lists(st.sampled_from([*NAMES, "no:such"])), moments)
def test_a_caller_may_use_exactly_what_token_and_subject_share(subject: Subject, token: list[str], now: int) -> None:
    usable = decide.caller(token, subject, "client", "token", now).permissions

    assert usable == set(token) & set(decide.held(subject, now))


@given(machines, moments)
def test_no_machine_ever_holds_write_prescription(subject: MachineSubject, now: int) -> None:
    assert "write:prescription" not in decide.held(subject, now)


@given(people, st.frozensets(st.sampled_from(Role)), moments)
def test_roles_add_up_and_never_take_away(one: UserSubject, more: frozenset[Role], now: int) -> None:
    other = UserSubject(one.user_id, one.organization_id, more, one.authority)
    both = UserSubject(one.user_id, one.organization_id, one.roles | more, one.authority)

    assert set(decide.held(both, now)) == set(decide.held(one, now)) | set(decide.held(other, now))


WISH = Wish("pat_1", "med_1", "NY", None)
PROVIDER = person(Role.PRESCRIBER, authority=AUTHORITY)
TRANSACTION = object()


def test_an_authorized_provider_gets_a_proof_for_this_transaction_organization_and_patient() -> None:
    proof = decide.as_prescriber(TRANSACTION, called(PROVIDER, "write:prescription"), PROVIDER, WISH, NOW)

    assert isinstance(proof, Prescriber)
    assert proof.transaction is TRANSACTION
    assert (proof.organization_id, proof.user_id, proof.patient_id, proof.treatment_id, proof.state) == (
        "org_1",
        "usr_1",
        "pat_1",
        "med_1",
        "NY",
    )


REFUSED: dict[str, tuple[Subject, UserSubject | None, tuple[str, ...], str]] = {
    "a machine": (machine("write:prescription"), None, ("write:prescription",), "machine"),
    "a machine, and an authorized provider": (machine(), PROVIDER, ("write:prescription",), "machine"),
    "nobody any more": (PROVIDER, None, ("write:prescription",), "not_a_member"),
    "somebody else": (replace(PROVIDER, user_id="usr_2"), PROVIDER, ("write:prescription",), "not_a_member"),
    "another organization's": (
        replace(PROVIDER, organization_id="org_2"),
        PROVIDER,
        ("write:prescription",),
        "not_a_member",
    ),
    "a token without it": (PROVIDER, PROVIDER, ("read:prescription",), "permission_missing"),
    "a role that was lost since": (PROVIDER, person(Role.STAFF), ("write:prescription",), "role_missing"),
    "an authority that was lost since": (
        PROVIDER,
        replace(PROVIDER, authority=replace(AUTHORITY, state=State.SUSPENDED, reason="left")),
        ("write:prescription",),
        "authority_suspended",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nobody_else_gets_the_proof(case: str) -> None:
    subject, standing, permissions, code = REFUSED[case]
    found = decide.as_prescriber(TRANSACTION, called(subject, *permissions), standing, WISH, NOW)

    assert isinstance(found, Refusal)
    assert found.code == code


@given(subjects, st.none() | people, some_names, st.none() | st.sampled_from(["NY", "CT"]), moments)
def test_a_proof_implies_every_condition_of_the_rule(
    subject: Subject, standing: UserSubject | None, permissions: frozenset[str], state: str | None, now: int
) -> None:
    one = decide.caller(permissions, subject, "client", "token", now)
    found = decide.as_prescriber(TRANSACTION, one, standing, Wish("pat_1", "med_1", state, None), now)

    if isinstance(found, Prescriber):
        assert standing is not None
        assert standing.user_id == found.user_id
        assert Role.PRESCRIBER in standing.roles
        assert standing.authority is not None
        assert standing.authority.state is State.APPROVED
        assert state == "NY"
        assert "write:prescription" in one.permissions
        assert isinstance(one.subject, UserSubject)
