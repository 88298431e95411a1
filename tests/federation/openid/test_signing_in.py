"""Sign-ins with an OpenID provider that nobody here wrote, over HTTP."""

from rxauth.domain import group_roles, memberships, sessions, users
from rxauth.domain.connection_settings import Joining
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.federation import shut_out
from tests.federation.openid.conftest import BOTH, Clinic
from tests.people import PASSWORD, add_person
from tests.signing_in import CALLBACK, answered
from tests.world import NOW


def roles(clinic: Clinic, email: str = "uma@alder.example") -> set[Role]:
    """Returns the roles in Alder of whoever has an address; none: it is no member."""

    def work(tx: Transaction) -> set[Role]:
        person = users.find_by_email(tx, email)
        mine = [] if person is None else memberships.of_person(tx, person.id)
        return {role for one in mine for role in one.roles if one.organization_id == clinic.alder}

    found: set[Role] = clinic.read(work)
    return found


@BOTH
def test_somebody_new_joins_and_signs_in_with_the_organization_s_provider(clinic: Clinic) -> None:
    _, answer = clinic.sign_in("uma", claims={"groups": ["it", "others"]})
    assert "code" in answered(answer)
    assert roles(clinic) == {Role.STAFF, Role.DEVELOPER}
    user = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    assert (user.name.full, user.email_verified_at) == ("Uma Marsh", clinic.live.clock.seconds())


@BOTH
def test_roles_follow_the_groups_and_those_given_by_hand_stay(clinic: Clinic) -> None:
    clinic.sign_in("uma", claims={"groups": ["it"]})
    user = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    everything = {Role.STAFF, Role.DEVELOPER, Role.SUPPORT}
    clinic.write(lambda tx: memberships.set_roles(tx, clinic.alder, user.id, everything, NOW))
    clinic.sign_in("uma", claims={"groups": []})
    assert roles(clinic) == {Role.STAFF, Role.SUPPORT}


def test_who_is_known_comes_again_by_its_subject_whatever_its_address_is_now(clinic: Clinic) -> None:
    clinic.sign_in("uma")
    _, answer = clinic.sign_in("uma", claims={"email": "boss@elsewhere.example", "email_verified": False})
    assert "code" in answered(answer)
    assert clinic.read(lambda tx: users.find_by_email(tx, "boss@elsewhere.example")) is None


def test_who_was_not_invited_is_refused_where_invites_are_asked_for(clinic: Clinic) -> None:
    clinic.change(joining=Joining.INVITE_ONLY)
    browser, answer = clinic.sign_in("uma")
    assert (answer.status_code, browser.heading()) == (403, "You could not be signed in")
    assert not roles(clinic)


@BOTH
def test_an_account_with_the_same_address_is_linked_once_its_person_has_logged_in_to_it(clinic: Clinic) -> None:
    uma = clinic.write(lambda tx: add_person(tx, "uma@alder.example"))
    browser, answer = clinic.sign_in("uma")
    assert "that it is yours" in answer.text
    assert not roles(clinic)
    answer = clinic.cast.log_in(browser, "uma@alder.example", PASSWORD)
    assert "code" in answered(answer)
    assert roles(clinic) == {Role.STAFF}
    _, answer = clinic.sign_in("uma")
    assert answer.headers["location"].startswith(CALLBACK)
    assert clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example")).id == uma.id


def test_who_proves_in_two_browsers_that_an_account_is_theirs_is_signed_in_to_both(clinic: Clinic) -> None:
    clinic.write(lambda tx: add_person(tx, "uma@alder.example"))
    browsers = [clinic.sign_in("uma")[0] for _ in range(2)]
    for browser in browsers:
        assert "code" in answered(clinic.cast.log_in(browser, "uma@alder.example", PASSWORD))
    assert roles(clinic) == {Role.STAFF}


@BOTH
def test_whose_groups_leave_no_role_is_out_until_they_do_and_whom_people_removed_until_they_invite(
    clinic: Clinic,
) -> None:
    clinic.write(lambda tx: group_roles.replace(tx, clinic.alder, clinic.connection.id, {"it": {Role.DEVELOPER}}))
    clinic.sign_in("uma", claims={"groups": ["it"]})
    user = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    both = {Role.DEVELOPER, Role.SUPPORT}
    clinic.write(lambda tx: memberships.set_roles(tx, clinic.alder, user.id, both, NOW))
    assert "code" in answered(clinic.sign_in("uma", claims={"groups": []})[1])
    assert roles(clinic) == {Role.SUPPORT}, "given by hand"
    clinic.sign_in("uma", claims={"groups": ["it"]})
    clinic.write(lambda tx: memberships.set_roles(tx, clinic.alder, user.id, {Role.DEVELOPER}, NOW))

    for _ in range(2):
        assert clinic.sign_in("uma", claims={"groups": []})[1].status_code == 403
        assert clinic.read(lambda tx: memberships.of_person(tx, user.id)) == []
        assert clinic.read(lambda tx: sessions.of_user(tx, user.id)) == []
    clinic.change(joining=Joining.INVITE_ONLY)
    assert "code" in answered(clinic.sign_in("uma", claims={"groups": ["it"]})[1])
    assert roles(clinic) == {Role.DEVELOPER}

    clinic.write(lambda tx: memberships.remove(tx, clinic.alder, user.id, NOW))
    assert clinic.sign_in("uma", claims={"groups": ["it"]})[1].status_code == 403
    assert not roles(clinic)


def test_who_is_deactivated_is_refused_until_it_is_active_again(clinic: Clinic) -> None:
    shut_out.who_is_deactivated_is_refused_until_it_is_active_again(clinic)
