"""What webhooks hear of client secrets."""

from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import Client
from rxauth.domain.webhook_outbox import Happening, emit, written_time
from rxauth.storage.database import Transaction


def expiring(transaction: Transaction, client: Client, secret: Secret, days_left: int, now: int) -> None:
    """Tells of a secret that ends soon, while no other of its client goes on."""
    happened = Happening("rxauth:secret:expiring", secret.id, now * 1_000)
    data = {
        "id": secret.id,
        "name": secret.name,
        "clientId": client.id,
        "expiresAt": None if secret.expires_at is None else written_time(secret.expires_at * 1_000),
        "daysLeft": days_left,
    }
    emit(transaction, client.organization_id, happened, lambda: data)
