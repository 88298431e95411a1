"""Documents and bodies that ask for too much: refused before anything runs, with bounded work."""

from collections.abc import Iterator

import pytest

from tests.api.answers import MODERN, Clinics
from tests.api.documents import ORDERS
from tests.api.work import calls, run
from tests.live import Live
from tests.world import Template

# Ordinary documents take some ten thousand calls; a tenth of a second is some three hundred thousand.
CALLS_LIMIT = 300_000


@pytest.fixture(scope="module")
def served(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server whose data no test changes."""
    clinics = Clinics(templates, tmp_path_factory)
    yield clinics.serve("sqlite")
    clinics.stop()


@pytest.fixture(scope="module")
def token(served: Live) -> str:
    """A token for that server."""
    return served.token(served.world.alder)


def nested(levels: int, *names: str) -> str:
    """Returns a document that goes down through fields, over and over."""
    path = [names[level % len(names)] for level in range(levels)]
    return "{ " + " { ".join(path) + " { id " + "} " * (levels + 1)


def chain(count: int, fragment: str, last: str) -> str:
    """Returns a document of fragments that each name the next: {0} is a fragment's number, {1} the next one's."""
    fragments = " ".join(fragment.format(number, number + 1) for number in range(count))
    return f"{{ patients(first: 1) {{ ...F0 }} }} {fragments} fragment F{count} on Patient {{ {last} }}"


ROUND = "patients { orders { patient "
TOO_MUCH = {
    "13 levels": nested(13, "patients", "orders", "patient"),
    "100 levels": nested(100, "patients", "orders", "patient"),
    "1000 levels": nested(1_000, "a"),
    "2000 braces": "{a" * 2_000,
    "lists in lists": nested(9, "patients(first: 100)", "orders(first: 100)", "patient"),
    "levels of inline fragments": "{ " + "... { " * 800 + "__typename" + " }" * 801,
    "a deep value": "{ patients(filter: {name: " + "[" * 1_500 + "]" * 1_500 + "}) { id } }",
    "51 aliases": "{ " + " ".join(f'a{n}: patient(id: "{n}") {{ id }}' for n in range(51)) + " }",
    "10000 aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(10_000)) + " }",
    "300 nested aliases": "{ patients { " + " ".join(f"a{n}: id" for n in range(300)) + " } }",
    "aliases in a fragment": "{ ...F } fragment F on Query { "
    + " ".join(f"a{n}: __typename" for n in range(300))
    + " }",
    "10000 directives": "{ patients { id " + "@skip(if: false) " * 10_000 + "} }",
    "100 directives": "{ patients { id " + "@skip(if: false) " * 100 + "} }",
    "directives of an operation": "query " + "@a " * 100 + "{ __typename }",
    "100000 tokens": "{ patients { " + "id " * 24_000 + "} }",
    "5000 tokens": "{ patients { " + "id " * 5_000 + "} }",
    "3000 fields": "{ patients { " + "id " * 3_000 + "} }",
    "60000 characters": "{ __typename } # " + "x" * 60_000,
    "fragments that double": chain(100, "fragment F{0} on Patient {{ ...F{1} ...F{1} }}", "id"),
    "fragments that double, through fields": chain(
        100, "fragment F{0} on Patient {{ orders {{ patient {{ ...F{1} ...F{1} }} }} }}", "id"
    ),
    "a long chain of fragments": chain(400, "fragment F{0} on Patient {{ ...F{1} }}", "orders { patient { id } }")
    + " ".join(f"fragment G{n} on Patient {{ id }}" for n in range(300)),
}


@pytest.mark.parametrize("name", TOO_MUCH)
@pytest.mark.parametrize("accept", ["*/*", MODERN])
def test_a_document_that_asks_for_too_much_is_refused_before_it_runs(
    served: Live, token: str, name: str, accept: str
) -> None:
    answer = served.graphql(token, TOO_MUCH[name], accept=accept)

    assert answer.status_code in ({200} if accept == "*/*" else {400, 422})
    assert "data" not in answer.json()
    assert {one["extensions"]["code"] for one in answer.json()["errors"]} <= {
        "LIMIT_EXCEEDED",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    }
    assert len(answer.json()["errors"]) <= 50
    assert served.data(token, "{ __typename }") == {"__typename": "Query"}


CIRCLES = {
    "itself": "{ ...F } fragment F on Query { ...F }",
    "itself in a field": "{ patients { ...F } } fragment F on Patient { orders { patient { ...F } } }",
    "each other": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
    "a ring": "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 100} }}" for n in range(100)),
    "everybody": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(20) if m != n)} }}" for n in range(20)),
    "unused": "{ __typename } fragment F on Query { ...G ...G } fragment G on Query { ...F ...F }",
}


@pytest.mark.parametrize("name", CIRCLES)
def test_fragments_in_a_circle_are_refused(served: Live, token: str, name: str) -> None:
    """GraphQL, §5.5.2.2."""
    answer = served.graphql(token, CIRCLES[name])

    assert "data" not in answer.json()
    assert any("within itself" in one["message"] for one in answer.json()["errors"]) or {
        one["extensions"]["code"] for one in answer.json()["errors"]
    } == {"LIMIT_EXCEEDED"}


REPEATED = {
    "a field": "{ patients(first: 1) { " + "id " * 900 + "} }",
    "a field with a selection": "{ patients(first: 1) { " + "name { first } " * 480 + "} }",
    "inline fragments": "{ patients(first: 1) { " + "... on Patient { name { first } } " * 240 + "} }",
    "a field of a fragment": "{ ...F } fragment F on Query { patients(first: 1) { " + "name { first } " * 300 + "} }",
    "a field of an unused fragment": "{ __typename } fragment F on Patient { " + "name { first last } " * 620 + "}",
    "selections in selections": "{ __typename } fragment F on Patient { "
    + "prescriptions{fills{order{id}}} " * 350
    + "}",
    "unused fragments": "{ __typename } " + " ".join(f"fragment F{n} on Patient {{ id }}" for n in range(400)),
    "many operations": " ".join(f"query Q{n} {{ patients {{ id }} }}" for n in range(300)),
    "many variables": "query(" + " ".join(f"$a{n}: Int" for n in range(900)) + ") { __typename }",
    "many members of an input": "{ patients(filter: {" + 'name: "a" ' * 900 + "}) { id } }",
    "fragments that double": TOO_MUCH["fragments that double"],
    "everybody": CIRCLES["everybody"],
}


@pytest.mark.parametrize("name", REPEATED)
def test_no_document_makes_the_server_work_out_of_proportion(served: Live, name: str) -> None:
    ordinary = calls(lambda: run(served, ORDERS))
    assert ordinary < CALLS_LIMIT / 4

    assert calls(lambda: run(served, REPEATED[name]), CALLS_LIMIT) <= CALLS_LIMIT


@pytest.mark.parametrize("size", [262_145, 300_000, 1_000_000])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_256_kib_is_refused(served: Live, token: str, size: int, declared: bool) -> None:
    """RFC 9110 §15.5.14."""
    body = b'{"query": "{ __typename }", "extensions": {"x": "' + b"x" * size + b'"}}'
    headers = {"authorization": token, "content-type": "application/json"}
    chunks = (body[start : start + 60_000] for start in range(0, len(body), 60_000))

    answer = served.http.post("/graphql", content=body if declared else chunks, headers=headers)

    assert answer.status_code == 413
    assert served.data(token, "{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deeply_nested_json_does_not_stop_the_server(
    served: Live, token: str, depth: int, opening: str, closing: str
) -> None:
    depth //= len(opening)
    body = '{"query": "{ __typename }", "variables": {"a": ' + opening * depth + "1" + closing * depth + "}}"

    answer = served.http.post(
        "/graphql", content=body, headers={"authorization": token, "content-type": "application/json"}
    )

    assert answer.status_code in {200, 400}
    assert served.data(token, "{ __typename }") == {"__typename": "Query"}
