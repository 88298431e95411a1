"""RxNorm, pharmacies and diagnoses on the command line: imported, imported again, broken; and what is then found."""

import zipfile
from pathlib import Path

import pytest

from rxauth.domain import allergens, diagnoses, ingredients, treatment_search, treatments
from rxauth.domain.audit import Event
from rxauth.domain.paging import page
from rxauth.domain.treatment_search import MedicationFilter
from rxauth.storage.database import Transaction
from tests.cli.command_line import CommandLine
from tests.domain import test_icd10_file as icd10
from tests.domain.test_audit import entries
from tests.domain.test_ndc_file import BOX, MADE_UP, directory
from tests.domain.test_nppes_pharmacies import GAZETTEER, table
from tests.domain.test_nppes_pharmacies import MADE_UP as PHARMACY
from tests.domain.test_rxnorm_file import coded, concept, relation, release
from tests.world import World

CONCEPTS = [
    concept("900", "IN", "testocillin"),
    concept("901", "PIN", "testocillin sodium"),
    concept("902", "SCDC", "testocillin sodium 500 MG"),
    concept("903", "SCD", "testocillin sodium 500 MG Oral Tablet"),
    concept("904", "SBD", "testocillin sodium 500 MG Oral Tablet [Testocil]"),
    concept("905", "IN", "another"),
]
RELATIONS = [
    relation("901", "form_of", "900"),
    relation("902", "has_ingredient", "901"),
    relation("903", "consists_of", "902"),
    relation("904", "tradename_of", "903"),
]
CODES = [coded("904", "99999000130"), coded("903", "88888000110")]


def drug(transaction: Transaction) -> treatments.Treatment:
    """Returns the drug of the directory."""
    wanted = MedicationFilter(concept="DRUG", name="testocillin")
    [found] = treatment_search.medications(transaction, wanted, page(None, None))
    return found


def test_rxnorm_says_what_medications_are_called_and_contain(
    world: World, command_line: CommandLine, tmp_path: Path
) -> None:
    file = release(tmp_path, CONCEPTS, RELATIONS, CODES)
    command_line(world.settings, "reference", "import", "ndc", str(directory(tmp_path, [MADE_UP], [BOX])))
    said = "6 concepts, 4 relations and 1 codes were imported, 1 lines were left out.\n"

    for _ in range(2):
        assert command_line(world.settings, "reference", "import", "rxnorm", str(file)) == (0, said, "")
        command_line(world.settings, "reference", "import", "ndc", str(directory(tmp_path, [MADE_UP], [BOX])))

    def look(transaction: Transaction) -> None:
        found = drug(transaction)
        [product] = treatments.products(transaction, found.id)
        [box] = treatments.packages(transaction, product.id)
        assert [one.codes.rxcui for one in (found, product, box)] == ["903", "904", "904"]
        assert box.codes.package_ndc == "99999-001-30"
        assert ingredients.of_treatments(transaction, [box.id]) == {box.id: {"testocillin"}}
        by_code = MedicationFilter(concept="DRUG", code="903")
        assert treatment_search.medications(transaction, by_code, page(None, None)) == [found]
        [allergen] = allergens.search(transaction, "testo")
        assert (allergen.name, allergen.rxcui) == ("testocillin", "900")
        assert ingredients.of_allergens(transaction, [allergen.id]) == {allergen.id: {"testocillin"}}

    database = world.open()
    database.read(look)
    database.close()
    [*_, noted] = [one for one in entries(world, Event.REFERENCE_IMPORTED) if one["target"] == "rxnorm"]
    assert [noted[name] for name in ("concepts", "relations", "codes", "left_out")] == [6, 4, 1, 1]


def test_diagnoses_and_pharmacies_are_imported(sqlite_world: World, command_line: CommandLine, tmp_path: Path) -> None:
    order, register, gazetteer = (
        tmp_path / name for name in ("order.zip", "npidata.csv", "2025_Gaz_zcta_national.txt")
    )
    with zipfile.ZipFile(order, "w") as archive:
        archive.writestr("icd10cm_order_2027.txt", icd10.line(*icd10.CHAPTER) + icd10.line(*icd10.CODE))
        archive.writestr("icd10cm_codes_2027.txt", "not this one")
    register.write_bytes(table(PHARMACY))
    gazetteer.write_text(GAZETTEER + "10001\t1\t1\t1\t1\t40.75\t-74.0\n")

    for _ in range(2):
        done = command_line(sqlite_world.settings, "reference", "import", "diagnoses", str(order))
        assert done == (0, "2 diagnoses were imported, 0 lines were left out.\n", "")
        done = command_line(
            sqlite_world.settings, "reference", "import", "pharmacies", str(register), "--places", str(gazetteer)
        )
        assert done == (0, "1 pharmacies were imported, 0 lines were left out.\n", "")

    database = sqlite_world.open()
    assert database.read(lambda tx: diagnoses.by_codes(tx, ["A00", "A00.0"])).keys() == {"A00", "A00.0"}
    assert [one.code for one in database.read(lambda tx: diagnoses.search(tx, "cholera", None, 9))] == ["A00.0"]
    database.close()


@pytest.mark.parametrize(
    ("source", "lines", "told"),
    [
        ("diagnoses", "00001 A00", "line 1: the header flag is missing"),
        ("pharmacies", '"NPI"\n', "line 1: it does not name the column 'Entity Type Code' once"),
        ("rxnorm", "1|ENG|\n", "line 1 of RXNCONSO.RRF: it has 2 columns, the published layout 18: TS is missing"),
    ],
)
def test_a_broken_file_is_refused_by_line_and_column_and_noted(
    sqlite_world: World, command_line: CommandLine, tmp_path: Path, source: str, lines: str, told: str
) -> None:
    file = tmp_path / "broken.txt"
    file.write_text(lines)

    assert command_line.fail(sqlite_world.settings, "reference", "import", source, str(file)) == [told]

    [noted] = entries(sqlite_world, Event.REFERENCE_IMPORTED)
    assert (noted["reason"], noted["target"]) == ("broken_file", source)


def test_places_go_with_pharmacies_only(sqlite_world: World, command_line: CommandLine) -> None:
    [told] = command_line.fail(sqlite_world.settings, "reference", "import", "ndc", "a.zip", "--places", "b.txt")

    assert told == "--places goes with pharmacies only"
