"""The tenancy guard: statements that it must refuse, those it must accept, and those that the package makes."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from sqlalchemy import (
    BindParameter,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy import Text as AnyText
from sqlalchemy.sql.expression import Executable

import rxauth
from rxauth import domain
from rxauth.domain.pruning import Pruning
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.catalog import treatments
from rxauth.storage.tables.clinical import orders, patient_names, patients, prescriptions
from rxauth.storage.tenancy import Statement, TenancyError, insert_row, sql

OURS: BindParameter[str] = bindparam("organization_id")
MINE = patients.c.organization_id == OURS
NAMED = patients.c.id == bindparam("id")
A_PATIENTS = prescriptions.c.patient_id == patients.c.id
SAME_OWNER = prescriptions.c.organization_id == patients.c.organization_id
ALIAS = patients.alias("other")
SOURCE = Path(rxauth.__file__).parent

REFUSED: dict[str, Executable] = {
    "no condition": select(patients.c.id),
    "another condition": select(patients.c.id).where(NAMED),
    "a count": select(func.count()).select_from(patients),
    "an alternative": select(patients.c.id).where(or_(MINE, NAMED)),
    "an alternative inside a conjunction": select(patients.c.id).where(NAMED, or_(MINE, NAMED)),
    "every other organization": select(patients.c.id).where(patients.c.organization_id != OURS),
    "a negation": select(patients.c.id).where(not_(MINE)),
    "a comparison that is no equality": select(patients.c.id).where(patients.c.organization_id >= OURS),
    "a pattern": select(patients.c.id).where(patients.c.organization_id.like(OURS)),
    "a list of organizations": select(patients.c.id).where(
        patients.c.organization_id.in_(bindparam("organizations", expanding=True))
    ),
    "a null organization": select(patients.c.id).where(patients.c.organization_id.is_(None)),
    "the organization is itself": select(patients.c.id).where(patients.c.organization_id == patients.c.organization_id),
    "the organization is some text": select(patients.c.id).where(patients.c.organization_id == literal_column("'x'")),
    "a converted organization": select(patients.c.id).where(cast(patients.c.organization_id, AnyText) == OURS),
    "another column is bound": select(patients.c.id).where(patients.c.external_id == OURS),
    "a case": select(patients.c.id).where(case((MINE, literal(1)), else_=literal(1)) == 1),
    "only groups are restricted": select(patients.c.organization_id).group_by(patients.c.organization_id).having(MINE),
    "an alias": select(ALIAS.c.id),
    "an alias whose table is bound": select(ALIAS.c.id).where(MINE),
    "a joined table": select(patients.c.id).join(prescriptions, A_PATIENTS).where(MINE),
    "the table that is joined to": select(patients.c.id)
    .join(prescriptions, A_PATIENTS)
    .where(prescriptions.c.organization_id == OURS),
    "two tables with one unknown owner": select(patients.c.id).join(prescriptions, SAME_OWNER),
    "two parameters for the organization": select(patients.c.id)
    .join(prescriptions, A_PATIENTS)
    .where(MINE, prescriptions.c.organization_id == bindparam("other")),
    "two tables and a comma": select(patients.c.id, prescriptions.c.id).where(MINE, A_PATIENTS),
    "a join that names the owner as an alternative": select(patients.c.id)
    .join(prescriptions, or_(SAME_OWNER, A_PATIENTS))
    .where(MINE),
    "an outer join that binds its left side in ON": select(patients.c.id).outerjoin(
        prescriptions, A_PATIENTS & MINE & (prescriptions.c.organization_id == OURS)
    ),
    "an outer join that binds its right side only": select(patients.c.id)
    .outerjoin(prescriptions, A_PATIENTS & SAME_OWNER)
    .where(prescriptions.c.organization_id == OURS),
    "an outer join that binds its left side only": select(patients.c.id)
    .outerjoin(prescriptions, A_PATIENTS)
    .where(MINE),
    "a full join that binds both sides in ON": select(patients.c.id).join(
        prescriptions, MINE & (prescriptions.c.organization_id == OURS), full=True
    ),
    "a third table behind two that are bound": select(patients.c.id)
    .join(prescriptions, A_PATIENTS & SAME_OWNER)
    .join(orders, orders.c.patient_id == patients.c.id)
    .where(MINE),
    "a subquery": select(organizations.c.id).where(organizations.c.id.in_(select(patients.c.organization_id))),
    "a subquery inside a bound statement": select(patients.c.id).where(
        MINE, patients.c.id.in_(select(prescriptions.c.patient_id))
    ),
    "a condition that something exists": select(patients.c.id).where(MINE, exists().where(A_PATIENTS)),
    "a condition that nothing exists": select(patients.c.id).where(
        MINE, ~exists().where(prescriptions.c.patient_id == bindparam("patient"))
    ),
    "a subquery among the columns": select(
        treatments.c.id, select(func.count()).select_from(prescriptions).scalar_subquery()
    ),
    "a derived table": select(select(patients.c.id).subquery().c.id),
    "a common table expression": select(select(patients.c.id).cte("everyone").c.id),
    "one branch of a union": union_all(select(patients.c.id).where(MINE), select(patients.c.id)),
    "a lateral subquery": select(treatments.c.id, select(prescriptions.c.id).lateral().c.id),
    "an update": update(patients).values(gender=None),
    "an update by identifier": update(patients).where(NAMED).values(gender=None),
    "an update with an alternative": update(patients).where(or_(MINE, NAMED)).values(gender=None),
    "an update that copies from anybody": update(patients)
    .where(MINE)
    .values(gender=select(ALIAS.c.gender).where(ALIAS.c.id == bindparam("other")).scalar_subquery()),
    "an update that reads a second table": update(patients)
    .where(MINE, A_PATIENTS)
    .values(gender=prescriptions.c.instructions),
    "a delete": delete(patients),
    "a delete by identifier": delete(patients).where(NAMED),
    "a delete that reads a second table": delete(patients).where(MINE, A_PATIENTS),
    "an insert without values": insert(patients),
    "an insert without its owner": insert(patients).values(id=bindparam("id")),
    "an insert that copies without an owner": insert(patient_names).from_select(
        ["word", "patient_id"], select(patients.c.first_name, patients.c.id).where(MINE)
    ),
    "an insert that copies from anybody": insert(patient_names).from_select(
        ["organization_id", "word", "patient_id"],
        select(patients.c.organization_id, patients.c.first_name, patients.c.id),
    ),
    "an insert of a value from anybody": insert(patients).values(
        organization_id=OURS, gender=select(ALIAS.c.gender).where(ALIAS.c.id == bindparam("other")).scalar_subquery()
    ),
    "a text": text("SELECT id FROM patients"),
    "a text as a table": select(literal_column("id")).select_from(text("patients")),
}

ACCEPTED: dict[str, Executable] = {
    "a bound table": select(patients.c.id).where(MINE),
    "a constant of ours": select(patients.c.id).where(patients.c.organization_id == "org_1"),
    "the parameter first": select(patients.c.id).where(bindparam("organization_id") == patients.c.organization_id),
    "a nested conjunction": select(patients.c.id).where(NAMED & (MINE & NAMED)),
    "a condition with alternatives beside it": select(patients.c.id).where(MINE, or_(NAMED, NAMED)),
    "a bound alias": select(ALIAS.c.id).where(ALIAS.c.organization_id == OURS),
    "a table and its alias": select(patients.c.id, ALIAS.c.id).where(MINE, ALIAS.c.organization_id == OURS),
    "a page with a lock": select(patients.c.id).where(MINE).order_by(patients.c.id).limit(5).with_for_update(),
    "a join on the owner": select(patients.c.id).join(prescriptions, A_PATIENTS & SAME_OWNER).where(MINE),
    "a join with an owner on each side": select(patients.c.id)
    .join(prescriptions, A_PATIENTS)
    .where(MINE, prescriptions.c.organization_id == OURS),
    "a chain of owners": select(patients.c.id)
    .join(prescriptions, A_PATIENTS & SAME_OWNER)
    .join(orders, orders.c.organization_id == prescriptions.c.organization_id)
    .where(MINE),
    "an outer join on the owner": select(patients.c.id).outerjoin(prescriptions, A_PATIENTS & SAME_OWNER).where(MINE),
    "a full join with an owner on each side": select(patients.c.id)
    .join(prescriptions, A_PATIENTS, full=True)
    .where(MINE, prescriptions.c.organization_id == OURS),
    "a subquery with its own owner": select(patients.c.id).where(
        MINE, patients.c.id.in_(select(prescriptions.c.patient_id).where(prescriptions.c.organization_id == OURS))
    ),
    "a union of bound branches": union_all(select(patients.c.id).where(MINE), select(patients.c.id).where(MINE)),
    "a bound common table expression": select(select(patients.c.id).where(MINE).cte("mine").c.id),
    "tables that all organizations share": select(treatments.c.id).join(organizations, organizations.c.id == OURS),
    "a shared table beside a bound one": select(prescriptions.c.id)
    .join(treatments, treatments.c.id == prescriptions.c.treatment_id)
    .where(prescriptions.c.organization_id == OURS),
    "a bound update": update(patients).where(MINE, NAMED).values(gender=None),
    "a bound delete": delete(patients).where(MINE),
    "an insert with its owner": insert(patients).values(id=bindparam("id"), organization_id=OURS),
    "an insert that copies what is bound": insert(patient_names).from_select(
        ["organization_id", "word", "patient_id"],
        select(patients.c.organization_id, patients.c.first_name, patients.c.id).where(MINE),
    ),
    "an insert into a shared table": insert(treatments),
}

# Why these may cross the line between organizations is said where each is made.
ACROSS_TENANTS = {
    "rxauth.domain.access_records": ["_OWNER"],
    "rxauth.domain.audiences": ["_ALL"],
    "rxauth.domain.audit_authorities": ["_STORED"],
    "rxauth.domain.audit_effects": ["_BEFORE_LOG", "_CANCELED", "_DISABLED_CLIENTS", "_REVOKED_SECRETS", "_WRITTEN"],
    "rxauth.domain.audit_index": ["_ADD"],
    "rxauth.domain.audit_numbering": ["_PRESCRIPTIONS"],
    "rxauth.domain.audit_owners": ["_MEMBERSHIPS"],
    "rxauth.domain.client_records": ["_MANY", "_ONE"],
    "rxauth.domain.clients": ["_ALL", "_LOCKED"],
    "rxauth.domain.certificate_reminders": ["_NEXT"],
    "rxauth.domain.connections": ["_KNOWN", "_NAMED"],
    "rxauth.domain.domain_proofs": ["_IS_DUE", "_NEXT"],
    "rxauth.domain.domains": ["_FORGET", "_VERIFIED"],
    "rxauth.domain.consents": ["_OF_USER"],
    "rxauth.domain.dispatches": ["_BY_ID", "_IS_DUE", "_NEXT"],
    "rxauth.domain.health": ["_DEAD_DELIVERIES", "_DEAD_DISPATCHES", "_WAITING_DELIVERIES", "_WAITING_DISPATCHES"],
    "rxauth.domain.factor_resets": ["FORGET"],
    "rxauth.domain.home_realm": ["_ANY"],
    "rxauth.domain.invites": ["FORGET", "_FIND", "_SPEND"],
    "rxauth.domain.kept_answers": ["FORGET"],
    "rxauth.domain.key_removal": ["_MACHINES"],
    "rxauth.domain.member_words": ["_ORGANIZATIONS", "_REMOVE_ALL"],
    "rxauth.domain.members": ["_ELSEWHERE"],
    "rxauth.domain.memberships": ["_OF_PERSON"],
    "rxauth.domain.registered_origins": ["_ARE_REGISTERED"],
    "rxauth.domain.organizations": ["_OF_PERSON"],
    "rxauth.domain.providers": ["_LICENCES_OF_PERSON", "_LOCK_PERSON", "_OF_PERSON"],
    "rxauth.domain.users": ["_APPROVED_NPIS"],
    "rxauth.domain.prescription_expiry": ["_IS_DUE", "_NEXT", "_WAITING"],
    "rxauth.domain.restoration": ["_CLIENTS", "_END_TOKENS"],
    "rxauth.domain.scim_people": ["_WAITING"],
    "rxauth.domain.scim_reminders": ["_NEXT"],
    "rxauth.domain.scim_tokens": ["_BEARER"],
    "rxauth.domain.secret_reminders": ["_NEXT"],
    "rxauth.domain.sessions": ["_FORGET_UPSTREAM"],
    "rxauth.domain.webhook_deliveries": ["_IS_DUE", "_NEXT"],
    "rxauth.domain.upstream_identities": ["_ANY"],
    "rxauth.domain.upstream_logouts": ["FORGET"],
    "rxauth.domain.upstream_messages": ["FORGET"],
    "rxauth.domain.upstream_requests": ["FORGET", "_ONE"],
    "rxauth.domain.webhook_log": [
        "_FORGET_ATTEMPTS",
        "_FORGET_DELIVERIES",
        "_FORGET_EVENTS",
        "_OLD",
        "_OLDEST",
        "_REDELIVER",
        "_REDELIVER_DEAD",
    ],
}

# How many statements cross it, and how many of them in the tables alone that they name: those bind every other table.
ACROSS_ONE_TABLE = {"rxauth.domain.grounds": (1, 1)}
# Where the reason comes from whoever makes one.
GIVEN_A_REASON = {"rxauth.domain.pruning": (1, 0)}


@pytest.mark.parametrize("clause", REFUSED.values(), ids=REFUSED)
def test_a_statement_that_leaves_the_organization_open_is_refused(clause: Executable) -> None:
    with pytest.raises(TenancyError):
        sql(clause)


@pytest.mark.parametrize("clause", ACCEPTED.values(), ids=ACCEPTED)
def test_a_statement_that_binds_the_organization_is_accepted(clause: Executable) -> None:
    assert sql(clause).clause is clause


@pytest.mark.parametrize("clause", REFUSED.values(), ids=REFUSED)
def test_a_statement_across_organizations_is_accepted_with_a_reason(clause: Executable) -> None:
    assert sql(clause, across_tenants="a test says so").clause is clause


def test_a_reason_for_one_table_frees_no_other() -> None:
    joined = select(patients.c.id, orders.c.id).join(orders, orders.c.patient_id == patients.c.id)

    assert isinstance(sql(joined.where(MINE), across_tenants="a test says so", only=[orders]), Statement)
    with pytest.raises(TenancyError, match=r"organization_id of: patients$"):
        sql(joined, across_tenants="a test says so", only=[orders])


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_statement_across_organizations_wants_a_reason(reason: str) -> None:
    with pytest.raises(TenancyError, match="reason"):
        sql(select(patients.c.id), across_tenants=reason)


def test_the_refusal_names_the_tables_that_are_open() -> None:
    with pytest.raises(TenancyError, match=r"organization_id of: orders, prescriptions$"):
        sql(select(patients.c.id, orders.c.id, prescriptions.c.id).where(MINE))


def test_an_insert_of_a_whole_row_has_its_owner() -> None:
    statement = insert_row(patients)
    assert set(statement.clause.compile().params) == {column.name for column in patients.c}  # type: ignore[attr-defined]


def test_every_statement_across_organizations_is_one_of_the_few_we_know() -> None:
    found = {
        module: sorted(name for name, held in statements.items() if any(_is_refused(one) for one in held))
        for module, statements in _statements().items()
    }
    assert {module: names for module, names in found.items() if names} == ACROSS_TENANTS


def test_every_reason_in_the_source_belongs_to_a_statement_we_know() -> None:
    """A statement that a function builds when it is called would escape the walk over modules."""
    given = {}
    for path in SOURCE.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        words = [{word.arg for word in call.keywords} for call in calls]
        reasons = [one for one in words if "across_tenants" in one]
        if reasons:
            module = ".".join(("rxauth", *path.relative_to(SOURCE).with_suffix("").parts))
            given[module] = (len(reasons), sum("only" in one for one in reasons))
    known = {module: (len(names), 0) for module, names in ACROSS_TENANTS.items()}
    assert given == known | ACROSS_ONE_TABLE | GIVEN_A_REASON


def test_statements_are_made_by_the_guard_alone() -> None:
    makers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Statement"
    }
    assert makers == {"storage/tenancy.py"}


def test_nobody_above_storage_runs_what_did_not_pass_the_guard() -> None:
    around = {"connection", "engines", "execute", "exec_driver_sql"}
    found = {
        f"{path.relative_to(SOURCE).as_posix()}: {node.attr}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] != "storage"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in around
    }
    # The function that answers a GraphQL request, and the file of a pharmacy that stands for somebody else's.
    assert found == {"edge/routes.py: execute", "sandbox/pharmacy_book.py: execute"}


def _statements() -> dict[str, dict[str, list[Statement]]]:
    """Returns the statements that modules of the domain hold, by themselves or in a pruning, by module and name."""
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(domain.__path__, "rxauth.domain.")]
    return {
        module.__name__: {
            name: [value] if isinstance(value, Statement) else [value.choose, value.remove, value.oldest]
            for name, value in vars(module).items()
            if isinstance(value, (Statement, Pruning))
        }
        for module in modules
    }


def _is_refused(statement: Statement) -> bool:
    try:
        sql(statement.clause)
    except TenancyError:
        return True
    return False
