"""Typed operations: generated from the server's schema, and run against it."""

import asyncio
import runpy
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from rxauth_client import AsyncGraphQL, GraphQL, Operation, OperationError, documents
from tests.live import Live
from tests.python_client.conftest import machine

FOLDER = Path(__file__).parent.parent.parent / "clients" / "python"


def new_patient(phone: str = "+12025550143") -> Operation[documents.CreatePatientData]:
    """Returns the operation that adds somebody."""
    name: documents.NameInput = {"first": "Ada", "last": "Marsh"}
    return documents.create_patient(name=name, dateOfBirth="1990-04-12", sex="FEMALE", phone=phone)


def test_the_documents_are_what_the_schema_makes_of_them(tmp_path: Path) -> None:
    written = FOLDER / "src" / "rxauth_client" / "documents.py"
    fresh = tmp_path / "documents.py"
    fresh.write_text(runpy.run_path(str(FOLDER / "tools" / "generate.py"))["generated"]())
    ruff, config = Path(sys.executable).parent / "ruff", FOLDER.parent.parent / "pyproject.toml"
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([ruff, command[0], "--config", config, *command[1:], fresh], check=True)
    assert fresh.read_text() == written.read_text(), "run clients/python/tools/generate.py and make lint"


def test_an_operation_is_a_function_of_its_variables(served: Live) -> None:
    api = GraphQL(machine(served))
    patients = api.run(documents.get_patients(first=2))["patients"]
    assert len([one["name"]["full"] for one in patients if one]) == 2
    created = api.run(new_patient())["createPatient"]
    found = api.run(documents.get_patient(id=created["id"]))["patient"]
    assert found is not None
    assert (found["dateOfBirth"], found["name"]["full"]) == ("1990-04-12", "Ada Marsh")
    assert api.run(documents.get_prescriptions(first=1))["prescriptions"]
    assert isinstance(api.run(documents.get_orders(first=1))["orders"], list)
    assert api.run(documents.get_pharmacies(first=1))["pharmacies"]
    api.close()


def test_an_idempotency_key_makes_one_of_two(served: Live) -> None:
    async def twice() -> set[str]:
        api, key = AsyncGraphQL(machine(served)), str(uuid.uuid4())
        made = [await api.run(new_patient(), idempotency_key=key) for _ in range(2)]
        await api.close()
        return {one["createPatient"]["id"] for one in made}

    assert len(asyncio.run(twice())) == 1


def test_a_refused_operation_says_which_field_and_why(served: Live) -> None:
    api = GraphQL(machine(served))
    with pytest.raises(OperationError) as refused:
        api.run(new_patient(phone="12"))
    assert (refused.value.code, refused.value.field) == ("BAD_USER_INPUT", "phone")
    forbidden: Operation[dict[str, object]] = Operation("Audit", "query Audit { auditEntries { next } }", {})
    with pytest.raises(OperationError) as refused:
        api.run(forbidden)
    assert refused.value.code == "FORBIDDEN"
    api.close()
