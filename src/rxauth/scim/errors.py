"""What a SCIM client is told when a request is refused (RFC 7644 §3.12)."""

from typing import Any, Final

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that is refused. str() is for whoever set the client up; it repeats nothing that was sent."""

    status = 400
    scim_type: str | None = None

    def body(self) -> dict[str, Any]:
        """Returns the error as it is sent."""
        said = {} if self.scim_type is None else {"scimType": self.scim_type}
        return {"schemas": [SCHEMA], "status": str(self.status), **said, "detail": str(self)}


class InvalidFilterError(ScimError):
    """The filter is none, or names what no resource has."""

    scim_type = "invalidFilter"


class TooManyError(ScimError):
    """The filter would have more read than one request may."""

    scim_type = "tooMany"


class UniquenessError(ScimError):
    """Another resource has a value that only one may have."""

    status = 409
    scim_type = "uniqueness"


class MutabilityError(ScimError):
    """An attribute is not the client's to change."""

    scim_type = "mutability"


class InvalidSyntaxError(ScimError):
    """The body is not what the operation takes."""

    scim_type = "invalidSyntax"


class InvalidPathError(ScimError):
    """A path names nothing that the resource can have."""

    scim_type = "invalidPath"


class NoTargetError(ScimError):
    """A path fits no value of the resource."""

    scim_type = "noTarget"


class InvalidValueError(ScimError):
    """A value is missing, or is none that the attribute takes."""

    scim_type = "invalidValue"


class InvalidCursorError(ScimError):
    """The cursor is none that was given out (RFC 9865 §2.2)."""

    scim_type = "invalidCursor"


class UnprovenError(ScimError):
    """No token that works was sent; one text for every cause."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Send Authorization: Bearer and a SCIM token of your organization that works.")


class NotFoundError(ScimError):
    """There is no such resource in the organization."""

    status = 404

    def __init__(self, what: str = "resource") -> None:
        super().__init__(f"There is no such {what}.")


class MethodError(ScimError):
    """The endpoint does not take the method. allowed: those that it takes."""

    status = 405

    def __init__(self, *allowed: str) -> None:
        super().__init__(f"This endpoint takes {' and '.join(allowed)}.")
        self.allowed = allowed


class RefusedError(ScimError):
    """The organization would be left in a state that it may not be in."""

    status = 409


class VersionError(ScimError):
    """Somebody changed the resource since the client read it (RFC 7644 §3.14)."""

    status = 412

    def __init__(self) -> None:
        super().__init__("The resource was changed meanwhile: read it again.")


class UnsupportedError(ScimError):
    """The standard has it, and this server does not."""

    status = 501
