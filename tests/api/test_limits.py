"""The limits of one document: each at its edge, and counted through fragments as if they were written out."""

from dataclasses import dataclass

import pytest
from graphql import parse
from hypothesis import assume, given
from hypothesis import strategies as st

from rxauth.api import limits
from rxauth.api.errors import LimitExceededError
from tests.api import documents
from tests.api.measures import PAGED, weight

REPEATED = "The document repeats the same fields too often."


def refusal(text: str) -> str | None:
    """Returns why a document is refused, or None."""
    try:
        limits.check(parse(text), PAGED)
    except LimitExceededError as error:
        return str(error)
    return None


def nested(levels: int) -> str:
    """Returns a document of so many levels of fields."""
    return "{ " + "patient { " * (levels - 1) + "id" + " }" * levels


def many(count: int, what: str) -> str:
    """Returns a document that has a field so many times, in fields that no limit on root fields counts."""
    return "{ patient { " + " ".join(what.format(number) for number in range(count)) + " } }"


@pytest.mark.parametrize(
    ("at_the_limit", "beyond", "named"),
    [
        (nested(limits.DEPTH_LIMIT), nested(limits.DEPTH_LIMIT + 1), "levels"),
        (many(limits.FIELDS_LIMIT - 1, "f{}"), many(limits.FIELDS_LIMIT, "f{}"), "fields"),
        (many(limits.ALIASES_LIMIT, "a{}: id"), many(limits.ALIASES_LIMIT + 1, "a{}: id"), "aliases"),
        (
            many(1, "id " + "@skip(if: false) " * limits.DIRECTIVES_LIMIT),
            many(1, "id " + "@skip(if: false) " * (limits.DIRECTIVES_LIMIT + 1)),
            "directives",
        ),
        (
            "{ " + "id " * limits.ROOT_FIELDS_LIMIT + "}",
            "{ " + "id " * (limits.ROOT_FIELDS_LIMIT + 1) + "}",
            "root fields",
        ),
        (
            "{ patients(first: 100) { orders(first: 100) { id state fills { id } } } }",
            "{ patients(first: 100) { orders(first: 100) { id state externalId fills { id } createdAt } } }",
            "values",
        ),
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_each_limit_holds_at_its_edge_and_is_named_beyond_it(at_the_limit: str, beyond: str, named: str) -> None:
    assert refusal(at_the_limit) is None
    assert named in str(refusal(beyond))


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ patient { id } }", 2),
        ("{ patients(first: 10) { id } }", 11),
        ("{ patients { id } }", 1 + limits.PAGE_DEFAULT),
        ("{ patients(first: 1000000) { id } }", 1 + limits.PAGE_LIMIT),
        ("query($first: Int) { patients(first: $first) { id } }", 1 + limits.PAGE_LIMIT),
        ("query($first: Int = 1) { patients(first: $first) { id } }", 1 + limits.PAGE_LIMIT),
        ("{ patients(first: null) { id } }", 1 + limits.PAGE_LIMIT),
        ("{ patients(first: 10) { id orders(first: 5) { id state } } }", 1 + 10 * (1 + 1 + 5 * 2)),
        ("{ a: patients(first: 10) { id } b: patients(first: 20) { id } }", 32),
        ("{ patients(first: 3) { ... { id } ...F } } fragment F on Patient { phone email }", 10),
        ("{ pharmacies(first: 7) { id name } medications(first: 2) { id } }", 1 + 14 + 1 + 2),
    ],
)
def test_the_cost_is_how_many_values_may_come_back(text: str, cost: int) -> None:
    assert weight(text).cost == cost


@pytest.mark.parametrize("first", ["-1", "-100000", "0", "-2147483648"])
def test_a_page_of_less_than_nothing_pays_for_no_other_field(first: str) -> None:
    large = "b: patients(first: 100) { orders(first: 100) { patient { orders(first: 100) { id } } } }"

    assert "values" in str(refusal(f"{{ a: patients(first: {first}) {{ id phone email }} {large} }}"))


@pytest.mark.parametrize(
    "name", [name for name in dir(documents) if name[0].isupper() and isinstance(getattr(documents, name), str)]
)
def test_what_the_published_clients_send_is_within_the_limits(name: str) -> None:
    assert refusal(getattr(documents, name)) is None


@pytest.mark.parametrize("spread", ["...F", "... on Query { ...F }", "... { ... { ...F } }"])
def test_root_fields_in_a_fragment_count_as_root_fields(spread: str) -> None:
    fields = " ".join(f"{'' if number < 13 else f'a{number}: '}f{number}" for number in range(51))

    assert refusal(f"{{ {fields} }}") == "The operation has more than 50 root fields."
    assert refusal(f"{{ {spread} }} fragment F on Query {{ {fields} }}") == refusal(f"{{ {fields} }}")


def test_each_operation_of_a_document_has_limits_of_its_own() -> None:
    small = "query A { patient { id } } "

    assert refusal(small + "query B " + many(900, "f{}")) is None
    assert refusal(small + "query B " + many(1_000, "f{}")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{ ...F } fragment F on Query { ...F }",
        "{ ...F } fragment F on Query { ...G } fragment G on Query { ...H } fragment H on Query { patient { ...F } }",
        "{ ...Absent }",
        "{ patient { ...F ...F } } fragment F on Patient { id ...Absent }",
        "{ id } fragment F on Query { ...F ...F }",
    ],
)
def test_fragments_in_a_circle_or_absent_end_the_measuring(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.parametrize("levels", [12, 30])
@pytest.mark.parametrize(
    "inner", ["{spread} {spread}", "patient {{ {spread} {spread} }}", "... {{ {spread} {spread} }}"]
)
def test_fragments_that_double_at_every_level_are_counted_without_being_written_out(levels: int, inner: str) -> None:
    fragments = [
        f"fragment F{level} on Patient {{ {inner.format(spread=f'...F{level + 1}')} }}" for level in range(levels)
    ]
    text = " ".join(["{ patient { ...F0 } }", *fragments, f"fragment F{levels} on Patient {{ id phone }}"])

    assert "more than" in str(refusal(text))


@dataclass(frozen=True)
class Written:
    """A selection, once with its fragments spread and once with them written out."""

    spread: str
    whole: str


directives = st.lists(st.just("@skip(if: false)"), max_size=2).map(" ".join)
arguments = st.sampled_from(["", "(first: 3)", "(first: 200)", "(first: $first)", '(id: "a")'])
names = st.sampled_from(["id", "patients", "orders", "fills", "patient", "prescriptions", "name"])
aliases = st.sampled_from(["", "", "a: ", "b: "])


def field(inner: Written | None, alias: str, name: str, argument: str, directive: str) -> Written:
    """Writes a field."""
    head = f"{alias}{name}{argument} {directive}"
    return Written(head, head) if inner is None else Written(f"{head} {inner.spread}", f"{head} {inner.whole}")


def selections(fragments: dict[str, Written]) -> st.SearchStrategy[Written]:
    """Draws selection sets in braces that may spread any of the fragments."""
    leaf = st.builds(field, st.none(), aliases, names, arguments, directives)
    if fragments:
        spread = st.builds(
            lambda name, directive: Written(f"...{name} {directive}", f"... {directive} {fragments[name].whole}"),
            st.sampled_from(sorted(fragments)),
            directives,
        )
        leaf |= spread
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(field, braces(inner), aliases, names, arguments, directives),
            st.builds(
                lambda one, directive: Written(f"... {directive} {one.spread}", f"... {directive} {one.whole}"),
                braces(inner),
                directives,
            ),
        ),
        max_leaves=6,
    ).flatmap(lambda one: braces(st.just(one)))


def braces(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    """Draws one to three selections between braces."""
    return st.lists(inner, min_size=1, max_size=3).map(
        lambda ones: Written(
            "{ " + " ".join(one.spread for one in ones) + " }", "{ " + " ".join(one.whole for one in ones) + " }"
        )
    )


@st.composite
def whole_documents(draw: st.DrawFn) -> Written:
    """Draws a document whose fragments spread only those that were drawn before them."""
    fragments: dict[str, Written] = {}
    texts = []
    for number in range(draw(st.integers(0, 4))):
        one = draw(selections(fragments))
        fragments[f"F{number}"] = one
        texts.append(f"fragment F{number} on T {one.spread}")
    operation = draw(selections(fragments))
    return Written(" ".join([operation.spread, *texts]), operation.whole)


@given(whole_documents())
def test_fragments_weigh_what_they_weigh_written_out(document: Written) -> None:
    assert weight(document.spread) == weight(document.whole)
    refused = refusal(document.whole)
    assume(refused != REPEATED)  # counted as it is written: only the text can be expensive to validate
    assert refusal(document.spread) == refused
