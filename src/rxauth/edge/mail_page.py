"""The mail of a sandbox: letters that nobody hands over, to be read by whoever tries rxauth out."""

from rxauth.domain import installation, mails
from rxauth.edge import pages
from rxauth.edge.context import Edge
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer
from rxauth.storage.database import Transaction


async def show(edge: Edge, _request: Request) -> Answer:
    """Shows every letter that waits; anywhere but in a sandbox there is no such page."""
    server = edge.server

    def work(tx: Transaction) -> list[dict[str, object]] | None:
        if not installation.is_sandbox(tx):
            return None
        found = mails.all_of_them(tx, server.sealing_key)
        return [{"at": mail.created_at, "to": one.to, "subject": one.subject, "text": one.text} for mail, one in found]

    letters = await edge.in_thread(server.database.read, work)
    if letters is None:
        return json_answer(404, {"error": "not_found", "error_description": "There is nothing here."})
    return pages.page("mails.html", {"letters": letters})
