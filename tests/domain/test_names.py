"""Names and addresses: what may be written, and by which words a name is found."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rxauth.domain.errors import InvalidError
from rxauth.domain.names import (
    TEXT_LIMIT_CHARACTERS,
    Address,
    Name,
    after_prefix,
    read_address,
    require_address,
    require_name,
    require_text,
    search_words,
    stored_address,
)

HOME = Address(None, "1 Main St", "Austin", "TX", "78701", "US")
WRITTEN = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=TEXT_LIMIT_CHARACTERS).filter(
    lambda text: bool(text.strip())
)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        (Name("Ada", "Lovelace"), "Ada Lovelace"),
        (Name("Ada", "Lovelace", "Dr."), "Dr. Ada Lovelace"),
        (Name("Ada", "Lovelace", None, "King"), "Ada King Lovelace"),
        (Name("Ada", "Lovelace", "Dr.", "King"), "Dr. Ada King Lovelace"),
        (Name("小明", "李"), "小明 李"),
    ],
)
def test_a_full_name_has_the_parts_that_there_are(name: Name, full: str) -> None:
    assert name.full == full


@given(WRITTEN)
def test_a_text_that_somebody_could_type_is_accepted(text: str) -> None:
    require_text(text, "it")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "blank"),
        (" ", "blank"),
        ("\t\n\r", "blank"),
        ("\N{NO-BREAK SPACE}\N{EM SPACE}\N{IDEOGRAPHIC SPACE}", "blank"),
        ("x" * 201, "more than 200"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\x1bb", "control"),
        ("a\x7fb", "control"),
        ("a\x80b", "control"),
        ("a\ud800b", "control"),
    ],
    ids=ascii,
)
def test_any_other_text_is_refused_without_repeating_it(text: str, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason) as refused:
        require_text(text, "it")

    assert str(refused.value).startswith("it ")
    assert len(str(refused.value)) < 60


def test_no_text_is_no_mistake() -> None:
    require_text(None, "it")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (Name("", "B"), "name.first"),
        (Name("A", " "), "name.last"),
        (Name("A", "B", "\x00"), "name.title"),
        (Name("A", "B", None, "x" * 201), "name.middle"),
    ],
)
def test_a_bad_part_of_a_name_is_named(name: Name, part: str) -> None:
    with pytest.raises(InvalidError, match=part):
        require_name(name, "name")


@pytest.mark.parametrize("part", ["street1", "street2", "city", "state", "country", "name"])
def test_a_bad_line_of_an_address_is_named(part: str) -> None:
    lines = {name: getattr(HOME, name) for name in Address.__struct_fields__}
    bad = Address(**lines | {part: Name("A", " ") if part == "name" else " "})

    require_address(HOME, "address")
    require_address(None, "address")
    with pytest.raises(InvalidError, match=f"address.{part}"):
        require_address(bad, "address")


@pytest.mark.parametrize(
    "address",
    [
        None,
        HOME,
        Address("adr_1", "1 Main St", "Austin", "TX", "78701", "US", Name("Ada", "L", "Dr.", "K"), "Floor 2"),
        Address("adr_2", "Straße 1", "Zürich", "ZH", "8001", "CH", None, None),
    ],
)
def test_an_address_is_read_as_it_was_stored(address: Address | None) -> None:
    assert read_address(stored_address(address)) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Lovelace", ["ada", "lovelace"]),
        ("  ADA   LOVELACE ", ["ada", "lovelace"]),
        ("Okonkwo-Reyes", ["okonkwo", "reyes"]),
        ("O'Connell", ["oconnell"]),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Connell", ["oconnell"]),
        ("\N{MODIFIER LETTER APOSTROPHE}Ilima", ["ilima"]),
        ("José Núñez", ["jose", "nunez"]),
        ("Nguyễn", ["nguyen"]),
        ("Zoe\N{COMBINING DIAERESIS}", ["zoe"]),
        ("Strauß", ["strauss"]),
        ("\N{LATIN SMALL LIGATURE FI}ona", ["fiona"]),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}da", ["ada"]),
        ("\N{SCRIPT CAPITAL E}va", ["eva"]),
        ("\N{NUMERO SIGN} 5", ["no", "5"]),
        ("\N{MATHEMATICAL BOLD CAPITAL A}da", ["ada"]),
        ("李 小明", ["李", "小明"]),
        ("ليلى", ["ليلى"]),
        ("Ada Ada ada", ["ada"]),
        ("John 3rd", ["john", "3rd"]),
        ("", []),
        (" - . , % _ ' ", []),
        ("\x00", []),
        ("\N{GRINNING FACE}", []),
    ],
    ids=ascii,
)
def test_the_words_of_a_name_are_without_case_accents_hyphens_and_apostrophes(text: str, words: list[str]) -> None:
    assert search_words(text) == words


@given(st.text())
def test_a_word_has_letters_and_digits_only(text: str) -> None:
    for word in search_words(text):
        assert word.isalnum()
        assert not any(map(unicodedata.combining, word))


@given(st.text())
@example("\N{SCRIPT CAPITAL E}")
def test_a_word_is_its_own_only_word(text: str) -> None:
    words = search_words(text)

    assert search_words(" ".join(words)) == words


@given(st.text())
def test_composed_and_decomposed_texts_have_the_same_words(text: str) -> None:
    words = search_words(unicodedata.normalize("NFC", text))

    assert search_words(unicodedata.normalize("NFD", text)) == words


@given(st.text(st.characters(categories=["Lu", "Ll", "Lt"]), min_size=1))
def test_the_case_of_a_text_does_not_change_its_words(text: str) -> None:
    assert search_words(text.casefold()) == search_words(text)


@given(st.text(min_size=1), st.data())
def test_every_word_lies_between_each_of_its_beginnings_and_what_follows_it(text: str, data: st.DataObject) -> None:
    for word in search_words(text):
        prefix = word[: data.draw(st.integers(1, len(word)))]
        assert prefix <= word < after_prefix(prefix)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_word_that_does_not_begin_so_lies_elsewhere(prefix: str, text: str) -> None:
    for beginning in search_words(prefix):
        for word in search_words(text):
            assert (beginning <= word < after_prefix(beginning)) == word.startswith(beginning)


@pytest.mark.parametrize(
    ("state", "country", "found"),
    [
        ("NY", "US", "NY"),
        (" ny ", "usa", "NY"),
        ("PR", "U.S.A.", "PR"),
        ("DC", "United States", "DC"),
        ("New York", "US", None),
        ("ON", "CA", None),
        ("CO", "MX", None),
        ("XX", "US", None),
    ],
)
def test_an_address_says_which_state_it_is_in_or_that_nobody_can_say(
    state: str, country: str, found: str | None
) -> None:
    assert Address("adr_1", "1 Main St", "Somewhere", state, "10001", country).us_state == found
