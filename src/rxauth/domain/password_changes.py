"""What happens when a password changes: everything that the old one opened is shut, and its owner is told."""

from rxauth.domain import failed_proofs, letters, password_resets, passwords, sessions, users
from rxauth.domain.errors import AbsentError
from rxauth.domain.mails import Outbox
from rxauth.domain.users import User
from rxauth.storage.database import Transaction


def change(
    transaction: Transaction, user_id: str, new_hash: str, outbox: Outbox, now: int, *, but_session: str | None
) -> User:
    """Gives a person a new password: ends every session but one and every reset link, and queues a notice.

    new_hash: of a password that the rules accept. but_session: the one in which the person changed it, None to end all.

    Raises:
        AbsentError: nobody has this identifier, or the person is disabled.
    """
    user = users.find(transaction, user_id)
    if user is None or user.disabled_at is not None:
        raise AbsentError(f"there is no person {user_id} who may sign in")
    passwords.store(transaction, user_id, new_hash, now)
    password_resets.revoke_all(transaction, user_id, now)
    sessions.end_all(transaction, user_id, now, but=but_session)
    outbox.put(transaction, letters.password_changed(user.email), now)
    return user


def reset(transaction: Transaction, token: str, new_hash: str, outbox: Outbox, now: int) -> User | None:
    """Gives the owner of a reset link a new password, and signs nobody in: the next sign-in asks for everything.

    Returns None if the link is forged, used, replaced or too old, or its owner was disabled since.
    """
    user_id = password_resets.spend(transaction, token, now)
    user = None if user_id is None else users.find(transaction, user_id)
    if user is None or user.disabled_at is not None:
        return None
    failed_proofs.clear(transaction, user.id)  # whoever reads the letters is let try again, with every factor
    failed_proofs.clear(transaction, user.id)  # whoever was shut out by a guesser comes back this way
    return change(transaction, user.id, new_hash, outbox, now, but_session=None)
