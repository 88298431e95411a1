"""Official files on the command line: imported, imported again, broken; and what clients then find."""

from pathlib import Path

import pytest

from rxauth.domain import medication_terms, treatments
from rxauth.domain.audit import Event
from rxauth.domain.medication_terms import Term
from rxauth.domain.treatments import Treatment
from rxauth.storage.database import Transaction
from tests.cli.command_line import CommandLine
from tests.domain.test_audit import entries
from tests.domain.test_ndc_file import BOX, MADE_UP, directory
from tests.world import World

CONTROLLED = {"PRODUCTNDC": "99999-002", "DEASCHEDULE": "CIV", "LABELERNAME": "Other"}
OTHER = {"PRODUCTNDC": "99999-003", "LABELERNAME": "Other", "PROPRIETARYNAME": ""}
OTHER_BOX = {"PRODUCTNDC": "99999-003", "NDCPACKAGECODE": "99999-003-10", "PACKAGEDESCRIPTION": "10 TABLET in 1 BOX"}
HOMELESS = {"PRODUCTNDC": "88888-001", "NDCPACKAGECODE": "88888-001-10"}


def way(transaction: Transaction) -> tuple[list[Term], list[Treatment]]:
    """Returns the terms that lead to the made-up medication, and its forms."""
    terms = medication_terms.concepts(transaction, "testocil")
    terms += medication_terms.strengths(transaction, terms[-1].id)
    terms += medication_terms.routes(transaction, terms[-1].id)
    return terms, treatments.forms(transaction, terms[-1].id)


def test_a_directory_is_imported_and_each_choice_leads_on(
    world: World, command_line: CommandLine, tmp_path: Path
) -> None:
    file = directory(
        tmp_path,
        [MADE_UP, MADE_UP | CONTROLLED, MADE_UP | OTHER, MADE_UP | {"NDC_EXCLUDE_FLAG": "E"}],
        [BOX, BOX | OTHER_BOX, BOX | HOMELESS],
    )
    said = "3 products and 2 packages were imported, 2 lines were left out.\n"

    assert command_line(world.settings, "reference", "import", "ndc", str(file)) == (0, said, "")

    database = world.open()
    terms, forms = database.read(way)
    assert [one.name for one in terms] == [
        "testocillin sodium",
        "testocillin sodium 500 mg",
        "testocillin sodium 500 mg Oral",
    ]
    assert {one.name for one in forms} == {"testocillin sodium 500 mg Oral Tablet, Film Coated"}
    by_schedule = {one.schedule: one for one in forms}
    assert set(by_schedule) == {None, "IV"}
    plain = database.read(lambda tx: treatments.products(tx, by_schedule[None].id))
    controlled = database.read(lambda tx: treatments.products(tx, by_schedule["IV"].id))
    assert [(one.name, one.codes.product_ndc) for one in plain] == [
        ("Testocil 500 mg Tablet, Film Coated (Nobody's Pharmacal, Inc.)", "99999-001"),
        ("testocillin sodium 500 mg Tablet, Film Coated (Other)", "99999-003"),
    ]
    assert [one.codes.product_ndc for one in controlled] == ["99999-002"]
    [box] = database.read(lambda tx: treatments.packages(tx, plain[0].id))
    assert (box.codes.package_ndc, box.codes.product_ndc) == ("99999-001-30", "99999-001")
    assert (box.manufacturer, box.description) == ("Nobody's Pharmacal, Inc.", BOX["PACKAGEDESCRIPTION"])
    database.close()


def test_importing_again_adds_nothing_and_changes_what_the_directory_changed(
    world: World, command_line: CommandLine, tmp_path: Path
) -> None:
    command_line(world.settings, "reference", "import", "ndc", str(directory(tmp_path, [MADE_UP], [BOX])))
    database = world.open()
    before = database.read(way)
    renamed = MADE_UP | {"LABELERNAME": "Somebody"}

    for made in ([MADE_UP], [renamed, renamed], []):
        command_line(world.settings, "reference", "import", "ndc", str(directory(tmp_path, made, [BOX])))

    assert database.read(way) == before
    [product] = database.read(lambda tx: treatments.products(tx, before[1][0].id))
    assert product.manufacturer == "Somebody"
    [box] = database.read(lambda tx: treatments.packages(tx, product.id))
    assert box.manufacturer == "Somebody"
    database.close()


def test_a_broken_line_is_named_and_what_came_before_it_is_kept(
    world: World, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxauth.cli.reference_sources._BATCH", 1)
    file = directory(tmp_path, [MADE_UP, MADE_UP | {"DEASCHEDULE": "CX"}], [BOX])

    [said] = command_line.fail(world.settings, "reference", "import", "ndc", str(file))

    assert said == "line 3: DEASCHEDULE is none of CI, CII, CIII, CIV and CV"
    database = world.open()
    assert len(database.read(way)[1]) == 1
    database.close()
    [noted] = entries(world, Event.REFERENCE_IMPORTED)
    assert (noted["reason"], noted["target"]) == ("broken_file", "ndc")
    assert [noted[name] for name in ("products", "packages", "left_out")] == [1, 0, 0]
