"""What every endpoint of one process shares."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rxauth.api.execute import Api
from rxauth.crypto.passwords import Cost
from rxauth.crypto.sealing import derive
from rxauth.domain import retention
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.certificate_reminders import CertificateReminders
from rxauth.domain.clients import Client, load_all
from rxauth.domain.destinations import Network
from rxauth.domain.mails import Outbox
from rxauth.domain.prescription_expiry import Expiry
from rxauth.domain.scim_people import Settling
from rxauth.domain.scim_reminders import ScimReminders
from rxauth.domain.secret_reminders import Reminders
from rxauth.domain.sessions import Ended
from rxauth.edge.access_log import AccessLog
from rxauth.edge.audit_group import AuditGroup
from rxauth.edge.backchannel import LogoutNotices
from rxauth.edge.connections import Connections
from rxauth.edge.cors import Origins
from rxauth.edge.dispatch_sender import DispatchSender
from rxauth.edge.domain_watch import DomainWatch
from rxauth.edge.door import Door
from rxauth.edge.grouped_reads import GroupedReads
from rxauth.edge.guards import FailureLimiter
from rxauth.edge.mail_sender import MailSender
from rxauth.edge.metrics import Metrics
from rxauth.edge.metrics_listener import MetricsListener
from rxauth.edge.openid_providers import OpenIdProviders
from rxauth.edge.outbound import Outbound
from rxauth.edge.pharmacy_network import PharmacyNetwork
from rxauth.edge.proxies import Proxies
from rxauth.edge.queue_figures import QueueFigures
from rxauth.edge.quotas import Quotas, RequestLimits
from rxauth.edge.refusals import Refusals
from rxauth.edge.slow_pool import SlowPool
from rxauth.edge.sweeps import Sweeps
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.oauth import logout_tokens
from rxauth.oauth.key_schedule import KeySchedule
from rxauth.oauth.server import Server

if TYPE_CHECKING:
    from rxauth.edge.traces import Traces

SIGNING_THREADS: Final = 8
# The API leaves some to whoever signs in or brings a code, and machines leave some of the API's to people.
WORKER_THREADS: Final = 6
API_THREADS: Final = 4
MACHINE_THREADS: Final = 3
_COST: Final = Cost()
_LIMITS: Final = RequestLimits()
Result = TypeVar("Result")


def _sweeps(server: Server) -> Sweeps:
    outbox = Outbox(server.issuer, server.sealing_key)
    reminders = (Reminders(outbox), ScimReminders(outbox), CertificateReminders(outbox))
    told = (*(one.remind for one in reminders), Settling(outbox).settle_some)
    return Sweeps(server.database, server.clock, (*told, *retention.SWEEPS))


class Edge:
    """The server, the API, and what stands between them and the network. traces None: nobody collects them."""

    def __init__(
        self,
        server: Server,
        api: Api,
        password_cost: Cost = _COST,
        networks: Sequence[Network] = (),
        limits: RequestLimits = _LIMITS,
        *,
        traces: "Traces | None" = None,
    ) -> None:
        self.server = server
        self.api = api
        self.traces = traces
        self._loop: asyncio.AbstractEventLoop | None = None
        make_threads = partial(ThreadPoolExecutor, thread_name_prefix="worker") if traces is None else traces.threads
        self._threads = make_threads(WORKER_THREADS)
        self._of_api, self._of_machines = asyncio.Semaphore(API_THREADS), asyncio.Semaphore(MACHINE_THREADS)
        self.client_reads = GroupedReads(lambda ids: self.in_thread(server.clients.fetch_all, ids, load_all))
        self.origins = Origins(server)
        self.origin_reads = GroupedReads(lambda origins: self.in_thread(self.origins.fetch_all, origins))
        self.metrics = Metrics(server)
        make_audit_group = AuditGroup if traces is None else traces.audit_group
        self.audit = make_audit_group(server.database, self.metrics.note_audit_group)
        self.access_log = AccessLog(server.database, server.clock, server.sealing_key)
        self.sweeps = _sweeps(server)
        self.limiter = FailureLimiter()
        self.quotas = Quotas(limits, server.clock, server.database)
        self.proxies = Proxies()
        self.door = Door()
        self.connections = Connections()
        self._show_figures()
        self.slow = SlowPool()
        self.password_cost = password_cost
        self.known_browsers_key = derive(server.sealing_key, "known browsers")
        self.mail_sender: MailSender | None = None  # None: letters wait in the outbox
        self.sequencer: Sequencer | None = None  # None: records wait in the outbox
        self.webhook_sender: WebhookSender | None = None  # None: events wait in the outbox
        self.expiry: Expiry | None = None  # None: what is over is shown so, and nobody hears of it
        self.domain_watch: DomainWatch | None = None  # None: verified domains are not looked at again
        self.key_schedule: KeySchedule | None = None  # None: keys are rotated by hand only
        self._signing = ThreadPoolExecutor(SIGNING_THREADS, thread_name_prefix="signing")  # outside this process
        self.pharmacy_network: PharmacyNetwork | None = None  # None: orders wait, and nobody reports of them
        self.dispatch_sender: DispatchSender | None = None
        self.queue_figures: QueueFigures | None = None  # None: nobody asks for them
        self.metrics_listener: MetricsListener | None = None
        self.refusals = Refusals(server.clock, self.audit)
        make_outbound = Outbound if traces is None else traces.outbound
        self.logouts = LogoutNotices(make_outbound(networks))
        self.openid_providers = OpenIdProviders(make_outbound(networks), networks, server.clock)
        self.look_ups = make_outbound(networks)

    def _show_figures(self) -> None:
        read = self.metrics.read
        read("rxauth_audit_group_waiting", "Records that wait for the commit under way.", self.audit.waiting)
        read("rxauth_quota_refusals_total", "Requests refused for a quota.", self.quotas.refused, "quota")
        read("rxauth_requests_under_way", "Requests that are answered now.", self.door.under_way, "lane")
        read("rxauth_requests_sent_away_total", "Requests refused because of too many.", self.door.refused, "lane")
        read("rxauth_connections", "Open connections.", lambda: len(self.connections.open))
        read("rxauth_connections_closed_total", "Connections closed, by why.", self.connections.why_closed, "reason")

    async def client(self, client_id: str) -> Client | None:
        """Returns a client as it is remembered or, together with others that are not, as the database has it.

        Raises:
            DatabaseUnavailableError: nobody knows.
        """
        return self.server.clients.peek(client_id) or await self.client_reads.read(client_id)

    async def in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Runs what may wait for the database in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def in_signing_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Runs what waits for a signature from outside this process: not among what waits for the database."""
        return await asyncio.get_running_loop().run_in_executor(self._signing, function, *arguments)

    async def in_api_thread(self, function: Callable[..., Result], *arguments: Any, is_of_machine: bool) -> Result:
        """Runs an operation of the API in one of the worker threads that it may have."""
        if not is_of_machine:
            async with self._of_api:
                return await self.in_thread(function, *arguments)
        async with self._of_machines, self._of_api:
            return await self.in_thread(function, *arguments)

    def start(self) -> None:
        """Begins what runs beside requests."""
        self._loop = asyncio.get_running_loop()
        self.access_log.start()
        self.quotas.start()
        self.sweeps.start()
        if self.mail_sender is not None:
            self.mail_sender.start()
        if self.sequencer is not None:
            self.sequencer.start()
        if self.webhook_sender is not None:
            self.webhook_sender.start()
        if self.expiry is not None:
            self.expiry.start()
        if self.domain_watch is not None:
            self.domain_watch.start()
        if self.key_schedule is not None:
            self.key_schedule.start()
        if self.dispatch_sender is not None:
            self.dispatch_sender.start()
        if self.queue_figures is not None:
            self.queue_figures.start()
        if self.metrics_listener is not None:
            self.metrics_listener.start()

    async def tell_clients(self, user_id: str, session_ids: Iterable[str]) -> None:
        """Has the clients of sessions that were ended hear of it, in the background."""
        for session_id in session_ids:
            for notice in await self.in_thread(logout_tokens.notices, self.server, session_id, user_id):
                self.logouts.send(notice)

    def tell_soon(self, ended: Sequence[Ended]) -> None:
        """Has the clients of sessions hear that they ended; for threads beside the loop."""
        for one in ended:
            if self._loop is not None:
                asyncio.run_coroutine_threadsafe(self.tell_clients(one.user_id, [one.session_id]), self._loop)

    async def close(self) -> None:
        """Writes what is still to be written, and ends the threads."""
        if self.mail_sender is not None:
            await self.in_thread(self.mail_sender.stop)
        if self.expiry is not None:
            await self.in_thread(self.expiry.stop)
        if self.domain_watch is not None:
            await self.in_thread(self.domain_watch.stop)
        if self.key_schedule is not None:
            await self.in_thread(self.key_schedule.stop)
        if self.webhook_sender is not None:
            await self.in_thread(self.webhook_sender.stop)
        if self.dispatch_sender is not None:
            await self.in_thread(self.dispatch_sender.stop)
        await self.logouts.close()
        await self.openid_providers.close()
        await self.look_ups.close()
        await self.refusals.close()
        await self.audit.close()
        if self.queue_figures is not None:
            await self.in_thread(self.queue_figures.stop)
        await self.in_thread(self.access_log.stop)
        await self.in_thread(self.quotas.stop)
        await self.in_thread(self.sweeps.stop)
        if self.sequencer is not None:  # after the last records
            await self.in_thread(self.sequencer.stop)
        if self.metrics_listener is not None:  # the last to go: it shows how the others went
            await self.in_thread(self.metrics_listener.stop)
        self._signing.shutdown()
        await self.in_thread(self.server.keys.close)
        if self.traces is not None:
            await self.in_thread(self.traces.close)
        self._threads.shutdown()
        self.slow.close()
