"""Makes the tables, the clients and a person with codes; what is wanted comes as JSON on standard input.

{"clients": {CLIENT_ID: {"secret": TEXT or null, "hasher": NAME}}, "redirect_uri": URL}. A client without a secret is a
public one, which exchanges codes; the others ask for themselves.
"""

import json
import sys

import django
from django.conf import settings
from django.core.management import call_command


def main() -> None:
    """Fills the database."""
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - only now may models be imported
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415
    from oauth2_provider.models import get_application_model  # noqa: PLC0415

    told = json.load(sys.stdin)
    application = get_application_model()
    person = get_user_model().objects.create(username="ada", email="ada@example.com")
    for client_id, client in told["clients"].items():
        is_public = client["secret"] is None
        made = application(
            client_id=client_id,
            user=person,
            name=client_id,
            client_type=application.CLIENT_PUBLIC if is_public else application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=application.GRANT_AUTHORIZATION_CODE
            if is_public
            else application.GRANT_CLIENT_CREDENTIALS,
            redirect_uris=told["redirect_uri"] if is_public else "",
            algorithm=application.RS256_ALGORITHM,
        )
        if not is_public:
            made.client_secret = make_password(client["secret"], hasher=client["hasher"])
        made.save()
    print(settings.DATABASES["default"]["NAME"])


if __name__ == "__main__":
    main()
