"""What letters say. Each says what happened, what to do, and what to do if it was somebody else."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rxauth.domain.mails import Letter
from rxauth.policy.roles import Role

# Where the links of letters lead, each with `?token=`.
INVITE_PATH: Final = "/invite"
RESET_PATH: Final = "/reset"
EMAIL_PATH: Final = "/email"
_SUBJECT_LIMIT_CHARACTERS: Final = 150
_WAITS: Final = (
    "The role Prescriber gives you nothing yet: you may prescribe once two people have decided, by your NPI and "
    "licences, that you are an authorized provider of the organization."
)


@dataclass(frozen=True, slots=True)
class Ending:
    """A secret or a certificate that ends. secret: its name, None if it has none. expires_at: UTC seconds."""

    organization: str
    client: str
    secret: str | None
    expires_at: int
    days_left: int


def invite(to: str, organization_name: str, roles: Iterable[Role], link: str) -> Letter:
    """Invites somebody to work for an organization."""
    return _letter(
        to,
        f"Join {organization_name}",
        f"You are invited to join {_plain(organization_name)} as {_listed(roles)}.",
        *([_WAITS] if Role.PRESCRIBER in roles else []),
        f"To accept, open this link within 7 days:\n{link}",
        "It works once, and for this address only. If you do not know why you got this letter, ignore it.",
    )


def password_reset(to: str, link: str) -> Letter:
    """Has somebody choose a new password."""
    return _letter(
        to,
        "Choose a new password",
        "Somebody, probably you, asked for a new password for your account.",
        f"To choose one, open this link within one hour:\n{link}",
        "It works once. If it was not you, ignore this letter: your password stays as it is.",
    )


def email_change(to: str, link: str) -> Letter:
    """Asks at a new address whether it is read."""
    return _letter(
        to,
        "Confirm your new e-mail address",
        "Somebody, probably you, wants to sign in with this address from now on.",
        f"To confirm it, open this link within 24 hours:\n{link}",
        "It works once. If it was not you, ignore this letter: nothing changes.",
    )


def email_change_asked(to: str) -> Letter:
    """Tells the old address that a new one was asked for."""
    return notice(
        to,
        "Your e-mail address is about to change",
        "Somebody, probably you, asked to use another e-mail address for your account. It changes when the link in a "
        "letter to the new address is opened.",
    )


def email_changed(to: str) -> Letter:
    """Tells the old address that it is one no longer."""
    return notice(
        to,
        "Your e-mail address was changed",
        "Your account has another e-mail address now. This is the last letter to this one.",
    )


def password_changed(to: str) -> Letter:
    """Tells that the password was changed."""
    return notice(
        to,
        "Your password was changed",
        "The password of your account was changed, and you were signed out everywhere else.",
    )


def factor_added(to: str, factor: str) -> Letter:
    """Tells of a new second factor; factor: what it is, such as "a passkey"."""
    return notice(to, "A sign-in method was added", f"You can now sign in with {factor} as well.")


def factor_removed(to: str, factor: str) -> Letter:
    """Tells of a second factor that is no more; factor: what it was, such as "a passkey"."""
    return notice(to, "A sign-in method was removed", f"You can no longer sign in with {factor}.")


def membership_ended(to: str, organization_name: str) -> Letter:
    """Tells that somebody works for an organization no longer."""
    return _letter(
        to,
        f"You no longer work for {organization_name}",
        f"An administrator of {_plain(organization_name)} removed you from its people. Your account stays, and so does "
        "what you do for others.",
        "If you think that this is a mistake, ask an administrator of the organization.",
    )


def factor_reset_asked(to: str) -> Letter:
    """Tells that somebody asked to take all second factors of an account."""
    return _letter(
        to,
        "Somebody asked to reset your second factors",
        "An administrator asked to remove the authenticator app, the passkeys and the recovery codes of your account. "
        "It happens when a second administrator approves it, within 24 hours.",
        "If you asked them to, there is nothing to do. If not, tell an administrator of your organization at once: "
        "somebody may be pretending to be you.",
    )


def factors_reset(to: str) -> Letter:
    """Tells that all second factors of an account were taken."""
    return _letter(
        to,
        "Your second factors were reset",
        "The authenticator app, the passkeys and the recovery codes of your account were removed, and you were signed "
        "out everywhere. Sign in with your password, and add a new second factor. If you prescribe, you may do so "
        "again once two people have said so.",
        "If you did not ask for this, choose a new password at once, and tell an administrator of your organization.",
    )


def new_device(to: str, device: str) -> Letter:
    """Tells of a sign-in with a browser that was not seen before."""
    return notice(to, "A new sign-in to your account", f"Somebody signed in to your account with {_plain(device)}.")


def operator_added(to: str, console: str, link: str | None) -> Letter:
    """Tells a new operator where the console is; link: to choose the first password, None for who has one."""
    way = "Sign in to your account"
    if link is not None:
        way = f"To choose a password, open this link within one hour:\n{link}\nThen sign in to your account"
    return _letter(
        to,
        "You are an operator of rxauth",
        "You were made an operator: you look after the installation that this letter comes from.",
        f"{way}, and open {console}. You need a second factor, and are asked to set one up.",
        "If you do not know why you got this letter, tell whoever runs the installation.",
    )


def secret_ends(to: str, ending: Ending, link: str) -> Letter:
    """Tells that a client secret ends soon, and what to do."""
    named = "A client secret" if ending.secret is None else f"The client secret {_plain(ending.secret)}"
    return _letter(
        to,
        f"{named} ends in {_left(ending)}",
        f"{named} of {_plain(ending.client)}, {_plain(ending.organization)}, works until "
        f"{_moment(ending)}. From then on your backend gets no tokens with it.",
        f"To replace it without an interruption, make a new secret, and put it into your backend before that:\n{link}",
        "The old one goes on working meanwhile. If nothing uses it any more, there is nothing to do.",
    )


def domain_missing(to: str, organization_name: str, domain: str, record: str, link: str) -> Letter:
    """Tells that the record by which a domain was verified is gone."""
    return _letter(
        to,
        f"The DNS record of {domain} is missing",
        f"{_plain(organization_name)} verified {domain} with a text record in its DNS, and that record is no longer "
        "there. If it is not put back within 7 days, the domain no longer counts as yours, and nobody signs in through "
        "your identity provider with an address in it.",
        f"The record says:\n{record}",
        f"If you do not want the domain any more, remove it:\n{link}",
    )


def domain_lost(to: str, organization_name: str, domain: str, _record: str, link: str) -> Letter:
    """Tells that a domain is verified no longer."""
    return _letter(
        to,
        f"{domain} is no longer verified",
        f"The text record by which {_plain(organization_name)} verified {domain} has been missing for 7 days. Nobody "
        "signs in through your identity provider with an address in it any more, and whoever was signed in that way "
        "was signed out.",
        f"To verify it again, publish the new record that you find here:\n{link}",
    )


def glass_broken(to: str, organization_name: str, who: str) -> Letter:
    """Tells that somebody signed in past the identity provider. who: the address of the account."""
    return _letter(
        to,
        f"Emergency access to {organization_name}",
        f"{_plain(organization_name)} asks everybody to sign in with its identity provider. {who} just signed in "
        "without it, as one of those who may in an emergency.",
        "If you know why, there is nothing to do. If not, ask the person at once. An administrator can take emergency "
        "access away, which ends it at the next click.",
    )


def scim_token_ends(to: str, ending: Ending, link: str) -> Letter:
    """Tells that the token of an identity provider ends soon, and what to do."""
    named = f"The SCIM token {_plain(ending.secret or '')} of {_plain(ending.organization)}"
    return _letter(
        to,
        f"A SCIM token ends in {_left(ending)}",
        f"{named} works until {_moment(ending)}. From then on your identity provider cannot add people "
        "here, and cannot take them away either.",
        f"Make a new token before that, and put it into your identity provider:\n{link}",
        "The old one goes on working meanwhile. If nothing uses it any more, there is nothing to do.",
    )


def provider_certificate_ends(to: str, ending: Ending, link: str) -> Letter:
    """Tells that the last certificate of an identity provider ends soon, and what to do. secret: the provider."""
    named = _plain(ending.secret or "")
    return _letter(
        to,
        f"The certificate of {named} ends in {_left(ending)}",
        f"The last certificate that is known here of {named}, with which people of {_plain(ending.organization)} sign "
        f"in, ends on {_moment(ending)}. Signing in goes on working after that: the date is not checked here. But most "
        "providers sign with a new certificate by then, and with one that is not known here nobody can sign in.",
        f"Ask whoever runs the provider for the new one, and add it before the provider signs with it:\n{link}",
        "If the provider keeps the one that it has, there is nothing to do.",
    )


def own_certificate_ends(to: str, ending: Ending, link: str) -> Letter:
    """Tells that this server's certificate at a provider ends soon, and what to do. secret: the provider."""
    named = _plain(ending.secret or "")
    return _letter(
        to,
        f"This server's certificate at {named} ends in {_left(ending)}",
        f"With it this server signs to {named}, with which people of {_plain(ending.organization)} sign in. It ends on "
        f"{_moment(ending)}. A provider that checks the date lets nobody sign in from then on.",
        f"Change it before that, in three steps:\n{link}",
    )


def notice(to: str, subject: str, what_happened: str) -> Letter:
    """Tells what happened to an account, and what to do if it was somebody else."""
    return _letter(
        to,
        subject,
        what_happened,
        "If it was you, there is nothing to do. If not, choose a new password at once, and tell an administrator of "
        "your organization.",
    )


def _letter(to: str, subject: str, *paragraphs: str) -> Letter:
    return Letter(to, _plain(subject)[:_SUBJECT_LIMIT_CHARACTERS], "\n\n".join(paragraphs) + "\n")


def _left(ending: Ending) -> str:
    return "1 day" if ending.days_left == 1 else f"{ending.days_left} days"


def _moment(ending: Ending) -> str:
    at = datetime.datetime.fromtimestamp(ending.expires_at, datetime.UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _plain(text: str) -> str:
    """Returns a text in one line: what people named an organization or a browser must not become a header."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _listed(roles: Iterable[Role]) -> str:
    names = [str(role) for role in sorted(roles)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
