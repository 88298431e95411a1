"""Puts the parts together; the only module that sees all of them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp

from rxauth.api import contract
from rxauth.api.context import Terms
from rxauth.api.execute import Api
from rxauth.clock import Clock
from rxauth.crypto.checkpoints import Checkpoint
from rxauth.crypto.jws import Signatory
from rxauth.crypto.passwords import Cost
from rxauth.crypto.security_module import Access, SecurityModule
from rxauth.domain import audit, checkpoint_file, installation, restoration, signing_keys
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.destinations import Network, require_destination
from rxauth.domain.errors import InvalidError
from rxauth.domain.mails import Outbox
from rxauth.domain.prescription_expiry import Expiry
from rxauth.domain.sessions import Limits
from rxauth.domain.webhooks import Keeper
from rxauth.edge.context import Edge
from rxauth.edge.dispatch_sender import DispatchSender
from rxauth.edge.domain_watch import DomainWatch
from rxauth.edge.http_pharmacy_network import HttpPharmacyNetwork
from rxauth.edge.mail_sender import MailSender, mail_server
from rxauth.edge.metrics_listener import MetricsListener
from rxauth.edge.outbound import Outbound
from rxauth.edge.pharmacy_network import PharmacyNetwork
from rxauth.edge.proxies import Proxies
from rxauth.edge.queue_figures import QueueFigures
from rxauth.edge.quotas import RequestLimits
from rxauth.edge.routes import application
from rxauth.edge.text_records import TextRecords
from rxauth.edge.webhook_sender import WebhookSender
from rxauth.federation.saml import provider_settings
from rxauth.oauth import new_keys
from rxauth.oauth.key_schedule import KeySchedule
from rxauth.oauth.server import Lifetimes, Server, open_server
from rxauth.setting_checks import is_loopback
from rxauth.settings import Settings, SettingsError, are_traces_collected, variable_of
from rxauth.storage.database import ConflictError, Database, Transaction
from rxauth.storage.revisions import require_tables

if TYPE_CHECKING:
    from rxauth.edge.traces import Traces

_log = structlog.get_logger("rxauth.app")


def migrate_database(settings: Settings) -> list[str]:
    """Brings the tables up to date; returns the revisions that were applied."""
    from rxauth.storage.migrations import migrate  # noqa: PLC0415  # late: Alembic is slow to import, and serves nobody

    return migrate(settings.owner_database_url or settings.database_url, settings.database_url)


def make_security_module(settings: Settings) -> SecurityModule | None:
    """Returns where signing keys are made and kept; None: in the database, sealed.

    Raises:
        SettingsError: what reaches it is not installed.
    """
    if settings.pkcs11_library is None or settings.pkcs11_token is None or settings.pkcs11_pin is None:
        return None
    if find_spec("pkcs11") is None:
        raise SettingsError([f"{variable_of('pkcs11_library')} needs python-pkcs11: install rxauth[pkcs11]"])
    return SecurityModule(Access(settings.pkcs11_library, settings.pkcs11_token, settings.pkcs11_pin))


def make_keys(settings: Settings, database: Database, clock: Clock, module: SecurityModule | None = None) -> None:
    """Makes the signing keys that an installation does not have yet: all of them once, or those of new algorithms.

    Raises:
        SignerUnavailableError: the security module cannot be reached.
    """
    missing = database.read(signing_keys.missing)
    if not missing:
        return

    def work(transaction: Transaction) -> list[Signatory]:
        unused: list[Signatory] = []
        for pair in zip(made[::2], made[1::2], strict=True):
            if signing_keys.make_first(transaction, pair, settings.sealing_key, clock.seconds()):
                act = audit.Act(audit.Event.KEYS_MADE, audit.OPERATOR, target=pair[0].key_id)
                audit.record(transaction, act, clock.microseconds())
            else:
                unused += pair
        return unused

    # Another process may start at the same moment, and its keys are as good.
    with suppress(ConflictError), new_keys.made(module, [one for one in missing for _ in range(2)]) as made:
        new_keys.discard(module, database.write(work))


def make_server(settings: Settings, clock: Clock, open_database: Callable[[str], Database] = Database) -> Server:
    """Opens the authorization server on a migrated database.

    Raises:
        NotMigratedError: the tables are not those of this version.
        SettingsError: a sandbox would be open to the network.
        RolledBackError: the database was restored, and `rxauth restored` was not run.
        CannotUnsealError: the sealing key is not the one that the signing keys were sealed with.
    """
    database = open_database(settings.database_url)
    try:
        require_tables(database)
        _require_private_sandbox(settings, database)
        require_whole_log(settings, database)
        module = make_security_module(settings)
        make_keys(settings, database, clock, module)
        return open_server(
            issuer=settings.issuer,
            audience=settings.audience,
            lifetimes=_lifetimes(settings),
            clock=clock,
            database=database,
            sealing_key=settings.sealing_key,
            staleness_bound_s=settings.staleness_bound_s,
            module=module,
        )
    except BaseException:
        database.close()
        raise


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        settings.machine_token_lifetime_s,
        settings.key_set_lifetime_s,
        settings.person_token_lifetime_s,
        Limits(settings.session_idle_s, settings.session_lifetime_s),
    )


def _require_private_sandbox(settings: Settings, database: Database) -> None:
    if database.read(installation.is_sandbox) and not is_loopback(settings.listen_host):
        variable = variable_of("listen_host")
        problem = f"{variable} must be this machine itself: the database is a sandbox, whose secrets are known"
        raise SettingsError([problem])


def require_whole_log(settings: Settings, database: Database) -> None:
    """Checks that the audit log has all that checkpoints outside the database cover.

    Raises:
        RolledBackError: it has less.
    """
    last = kept_checkpoint(settings)  # before the log is looked at: another process may be adding to both
    if last is not None:
        database.read(lambda tx: restoration.require_whole_log(tx, last, str(settings.audit_checkpoint_file)))


def kept_checkpoint(settings: Settings) -> Checkpoint | None:
    """Returns the last checkpoint that is kept outside the database; None: there is none."""
    if settings.audit_checkpoint_file is None:
        return None
    return checkpoint_file.last(Path(settings.audit_checkpoint_file))


def make_api(server: Server, networks: Sequence[Network] = ()) -> Api:
    """Opens the Clinical and Management APIs on the server's database; networks: private ones that may be called."""
    keeper = Keeper(server.sealing_key, tuple(networks))
    limits = server.lifetimes.sessions
    terms, outbox = make_terms(server), make_outbox(server)
    reader = partial(provider_settings.read, clock=server.clock)
    return Api(
        contract.schema(),
        server.database,
        server.clock,
        keeper,
        server.sealing_key,
        limits,
        terms,
        outbox,
        reader,
        TextRecords().look,
    )


def make_outbox(server: Server) -> Outbox:
    """Returns where letters are put."""
    return Outbox(server.issuer, server.sealing_key)


def make_terms(server: Server) -> Terms:
    """Returns what the API says of the server's tokens."""
    return Terms(server.issuer, server.audience, server.lifetimes.machine_token_s, server.lifetimes.person_token_s)


def make_app(settings: Settings, clock: Clock, worker: int = 0) -> ASGIApp:
    """Returns the whole application; worker: which of the processes of one command this is, from 0."""
    network = make_pharmacy_network(settings)
    proxies = Proxies(settings.trusted_proxies or ())
    traces = make_traces(proxies) if are_traces_collected() else None
    server = make_server(settings, clock, Database if traces is None else traces.database)
    cost = Cost(settings.password_memory_kib, settings.password_time_cost, settings.password_parallelism)
    networks = settings.outbound_networks or ()
    limits = RequestLimits(
        settings.client_requests_per_minute,
        settings.organization_requests_per_minute,
        settings.person_requests_per_minute,
        settings.network_requests_per_minute,
    )
    edge = Edge(server, make_api(server, networks), cost, networks, limits, traces=traces)
    edge.proxies = proxies
    make_outbound = Outbound if traces is None else traces.outbound
    edge.mail_sender = make_mail_sender(settings, server)
    edge.sequencer = make_sequencer(settings, server.database, clock)
    edge.expiry = Expiry(server.database, clock)
    edge.domain_watch = DomainWatch(server.database, clock, make_outbox(server), TextRecords().look, edge.tell_soon)
    edge.key_schedule = KeySchedule(server, settings.key_rotation_days * 86_400)
    edge.webhook_sender = WebhookSender(server.database, clock, server.sealing_key, networks, make_outbound)
    if network is not None:
        edge.pharmacy_network = network
        edge.dispatch_sender = DispatchSender(server.database, clock, network, networks, make_outbound)
    if settings.metrics_listen_host is not None:
        port = settings.metrics_listen_port + worker
        edge.metrics_listener = make_metrics_listener(edge, settings.metrics_listen_host, port)
        edge.queue_figures = QueueFigures(server.database, clock, edge.metrics)
    return application(edge)


def make_traces(proxies: Proxies) -> "Traces | None":
    """Returns what makes traces; None: what it takes is not installed, and the log says so."""
    try:
        from rxauth.edge.traces import Traces  # noqa: PLC0415  # late: nobody pays for what nobody collects
    except ModuleNotFoundError as error:
        _log.warning("traces_not_installed", missing=error.name)
        return None
    return Traces(proxies)


def make_metrics_listener(edge: Edge, host: str, port: int) -> MetricsListener:
    """Returns what shows a process's figures.

    Raises:
        SettingsError: the address is in use, or not this machine's.
    """
    try:
        return MetricsListener(edge.metrics.registry, host, port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SettingsError([f"{variable_of('metrics_listen_host')}: cannot listen on {host}:{port}: {why}"]) from None


def make_pharmacy_network(settings: Settings) -> PharmacyNetwork | None:
    """Returns the network that orders go to; None: none is set, and they wait.

    Raises:
        SettingsError: the URL leads where nothing may be sent.
    """
    if settings.pharmacy_network_url is None or settings.pharmacy_network_secret is None:
        return None
    try:
        require_destination(settings.pharmacy_network_url, settings.outbound_networks or ())
    except InvalidError as error:
        raise SettingsError([f"{variable_of('pharmacy_network_url')}: {error}"]) from None
    return HttpPharmacyNetwork(settings.pharmacy_network_url, settings.pharmacy_network_secret)


def make_sequencer(settings: Settings, database: Database, clock: Clock) -> Sequencer:
    """Returns what numbers the audit log."""
    file = settings.audit_checkpoint_file
    return Sequencer(database, clock, settings.sealing_key, None if file is None else Path(file))


def make_mail_sender(settings: Settings, server: Server) -> MailSender | None:
    """Returns what hands letters over; None: no mail server is set, and they wait in the outbox."""
    if settings.smtp_url is None:
        return None
    sender = settings.mail_from or f"no-reply@{urlsplit(settings.issuer).hostname}"
    return MailSender(server.database, server.clock, server.sealing_key, mail_server(settings.smtp_url, sender))
