"""What PostgreSQL itself says of a run: every change of an authority and every prescription, by the time of its commit.

Triggers of the test's own note each change with its transaction, and PostgreSQL keeps when that committed: this asks
neither our code nor our audit log. Whoever waits for a row's lock commits later by this clock, too.
"""

import json
from collections import Counter, defaultdict
from typing import Any

import psycopg

from tests.faults.history import MAY, MAY_NOT, Kept, Turn, Written
from tests.storage.test_database import database_name
from tests.world import World, postgres_socket

# What a change is called in the audit log, by what was before and after.
_EVENTS = {
    (None, "proposed"): "provider.proposed",
    ("proposed", "approved"): "provider.approved",
    ("approved", "suspended"): "provider.suspended",
    ("suspended", "approved"): "provider.restored",
    ("active", "suspended"): "provider.limited",
}
_MAY = {"state": "approved", "licence": "active"}
_INSTALL = """
CREATE TABLE noted (number bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    provider text NOT NULL, what text NOT NULL, value text NOT NULL);
CREATE FUNCTION note_authority() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO noted (provider, what, value) VALUES (NEW.user_id, 'state', NEW.state); RETURN NULL; END $$;
CREATE FUNCTION note_licence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO noted (provider, what, value) VALUES (NEW.user_id, 'licence', NEW.status); RETURN NULL; END $$;
CREATE FUNCTION note_prescription() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO noted (provider, what, value) VALUES (NEW.prescriber_id, 'written', NEW.id);
    RETURN NULL; END $$;
CREATE TRIGGER noting AFTER INSERT OR UPDATE ON provider_authorities FOR EACH ROW EXECUTE FUNCTION note_authority();
CREATE TRIGGER noting AFTER INSERT OR UPDATE ON provider_licences FOR EACH ROW EXECUTE FUNCTION note_licence();
CREATE TRIGGER noting AFTER INSERT ON prescriptions FOR EACH ROW EXECUTE FUNCTION note_prescription();
"""
_NOTED = """
SELECT provider, what, value, (extract(epoch FROM pg_xact_commit_timestamp(xid::xid)) * 1000000)::bigint AS at
FROM noted ORDER BY at, number
"""


def install(world: World) -> None:
    """Has a world's database note what is changed in it."""
    with connected(postgres_socket(), database_name(world)) as connection:
        connection.execute(_INSTALL)


def read(world: World) -> Kept:
    """Returns what was noted since, and how often the audit log says so."""
    with connected(postgres_socket(), database_name(world)) as connection:
        return read_from(connection)


def read_from(connection: psycopg.Connection[Any]) -> Kept:
    """Returns the same of a database that a connection is to."""
    noted = connection.execute(_NOTED).fetchall()
    entries = [json.loads(row[0]) for row in connection.execute("SELECT entry FROM audit_outbox")]
    recorded = Counter((str(entry["event"]), str(entry["target"])) for entry in entries)
    turns: list[Turn] = []
    written: list[Written] = []
    done: Counter[tuple[str, str]] = Counter()
    standing: dict[str, dict[str, str]] = defaultdict(dict)
    for provider, what, value, at in noted:
        now = standing[provider]
        if what == "written":
            written.append(Written(value, provider, at))
        elif now.get(what) != value:
            event = _EVENTS.get((now.get(what), value))
            done.update([(event, provider)] if event else [])
            now[what] = value
            turns.append(Turn(provider, MAY if now == _MAY else MAY_NOT, at))
    return Kept(tuple(turns), tuple(written), done, recorded)


def connected(socket: str, database: str) -> psycopg.Connection[Any]:
    """Connects to a database as the superuser."""
    return psycopg.connect(f"host={socket} user=postgres dbname={database}", autocommit=True)
