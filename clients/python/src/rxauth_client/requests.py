"""Machine credentials for `requests`: `requests.get(url, auth=RequestsAuth(credentials))`."""

from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from rxauth_client.credentials import MachineCredentials

_REFUSED = 401


class RequestsAuth(AuthBase):
    """Sends the token of machine credentials; a request that is answered 401 is sent once more with a new one.

    One whose body was a stream is not, because the stream is used up.
    """

    def __init__(self, credentials: MachineCredentials) -> None:
        self._credentials = credentials

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Adds the token.

        Raises:
            WrongOriginError, TokenRefusedError, UnavailableError: see there.
        """
        self._credentials.origins.require(request.url or "")
        token = self._credentials.token()
        request.headers["Authorization"] = f"Bearer {token}"

        def again(response: Response, **options: Any) -> Response:
            if response.status_code != _REFUSED or not isinstance(request.body, str | bytes | None):
                return response
            _ = response.content  # the connection is free only once the answer was read
            self._credentials.forget(token)
            repeated = request.copy()
            repeated.hooks["response"] = []
            repeated.headers["Authorization"] = f"Bearer {self._credentials.token()}"
            answer: Response = response.connection.send(repeated, **options)
            answer.history.append(response)
            return answer

        request.register_hook("response", again)  # type: ignore[no-untyped-call]
        return request
