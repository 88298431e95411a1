"""The one place where an exception becomes a page."""

from rxauth.edge import pages
from rxauth.edge.errors import as_oauth_error, retry_after
from rxauth.edge.forms import ForeignFormError
from rxauth.edge.responses import Answer
from rxauth.oauth.endpoints.authorize_checks import PageError
from rxauth.oauth.errors import ServerError, TemporarilyUnavailableError, TooManyRequestsError


def page_answer(error: Exception, request_id: str) -> Answer:
    """Shows what went wrong, why, and what to do about it."""
    known = as_oauth_error(error, request_id)
    title, next_step = "This page cannot be shown", "Go back, and try again."
    if isinstance(known, PageError):
        title = "This link does not work"
        next_step = "Go back to the application. If it happens again, tell the people who make it what stands here."
    elif isinstance(known, ForeignFormError):
        title, next_step = "This form cannot be used", "Go back to the page that it was on, and load it again."
    elif isinstance(known, (TemporarilyUnavailableError, TooManyRequestsError)):
        title, next_step = "Please wait a moment", "Nothing was changed. Load the page again in a few seconds."
    elif isinstance(known, ServerError):
        title, next_step = "Something went wrong", "Try again. If it happens again, ask for help with this reference."
    values = {
        "title": title,
        "explanation": known.description,
        "next_step": next_step,
        "request_id": request_id if isinstance(known, ServerError) else None,
    }
    return pages.page("error.html", values, status=known.status, headers=retry_after(known))
