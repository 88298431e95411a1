"""Filters: the grammar of RFC 7644 §3.4.2.2, what fits them, and what an index answers of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxauth.domain import scim_groups, scim_user_lists
from rxauth.scim import filters, matching, narrowing
from rxauth.scim.errors import InvalidFilterError
from rxauth.scim.filters import All, AnyOf, Compare, Filter, Name, Not, Present, Within
from rxauth.scim.schemas import ENTERPRISE, USER

NAME = Name(None, "userName")
MONA: dict[str, Any] = {
    "id": "scu_01",
    "userName": "Mona@clinic.example",
    "name": {"familyName": "O'Reyes", "givenName": "Mona"},
    "title": "Nurse",
    "active": True,
    "emails": [
        {"value": "mona@clinic.example", "type": "work", "primary": True},
        {"value": "mona@home.example", "type": "home"},
    ],
    "groups": [{"value": "scg_01", "display": "Nurses"}],
    "meta": {"resourceType": "User", "lastModified": "2026-11-26T12:00:00.000Z"},
    ENTERPRISE: {"department": "Ward 3", "manager": {"value": "26118915"}},
}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "a"', Compare(NAME, "eq", "a")),
        ('USERNAME EQ "a\\"b\\u00e9"', Compare(Name(None, "USERNAME"), "eq", 'a"bé')),
        ("active ne FALSE", Compare(Name(None, "active"), "ne", False)),
        ("title eq null", Compare(Name(None, "title"), "eq", None)),
        ("a gt -1.5", Compare(Name(None, "a"), "gt", -1.5)),
        ("title pr", Present(Name(None, "title"))),
        ("name.familyName pr", Present(Name(None, "name", "familyName"))),
        (
            'urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "J"',
            Compare(Name("urn:ietf:params:scim:schemas:core:2.0:User", "name", "familyName"), "sw", "J"),
        ),
        (
            'a pr or b pr and not (c pr) or userName eq "x"',
            AnyOf(
                (
                    Present(Name(None, "a")),
                    All((Present(Name(None, "b")), Not(Present(Name(None, "c"))))),
                    Compare(NAME, "eq", "x"),
                )
            ),
        ),
        (
            'emails[type eq "work" and value co "@"]',
            Within(
                Name(None, "emails"),
                All((Compare(Name(None, "type"), "eq", "work"), Compare(Name(None, "value"), "co", "@"))),
            ),
        ),
        ("((a pr))", Present(Name(None, "a"))),
    ],
)
def test_a_filter_is_read(text: str, tree: Filter) -> None:
    assert filters.parse(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        *("", "userName", "userName eq", 'userName is "a"', 'userName eq "a', "userName eq a", "eq", "(a pr", "a pr)"),
        *("a pr b pr", "a pr and", "emails[", "emails[a pr", "not a pr", "a pr or or b pr", '"a" eq "b"'),
        *("userName eq 'a'", 'userName eq "a" --', 'userName eq "\\x"', "userName eq \x00", "1a pr", "a..b pr"),
        "(" * 30 + "a pr" + ")" * 30,
        " and ".join(["a pr"] * 101),
        'a eq "' + "x" * 4_000 + '"',
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilterError):
        filters.parse(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='ab.:[]()"\\ eqpnrotd1-\x00é', max_size=60))
def test_whatever_is_sent_is_a_filter_or_is_refused(text: str) -> None:
    try:
        tree = filters.parse(text)
        matching.compiled(USER, tree)(MONA)
        narrowing.of_users(tree)
    except InvalidFilterError:
        pass


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('userName eq "MONA@CLINIC.EXAMPLE"', True),
        ('userName ne "mona@clinic.example"', False),
        ('userName sw "mona" and active eq true', True),
        ('active eq "True"', True),
        ('name.familyName co "rey"', True),
        ('name.familyName eq "O\'Reyes"', True),
        ('id eq "SCU_01"', False),
        ("nickName pr", False),
        ("nickName eq null", True),
        ("title ne null", True),
        ('nickName ne "Mo"', True),
        ('emails co "home.example"', True),
        ('emails.type eq "other"', False),
        ('emails[type eq "work" and value ew "home.example"]', False),
        ('emails[type eq "home" and value ew "home.example"]', True),
        ('not (emails[type eq "other"])', True),
        ('groups.display eq "nurses" or title eq "x"', True),
        ('meta.lastModified ge "2026-11-26T13:00:00+01:00"', True),
        ('meta.lastModified gt "2026-11-26T12:00:00Z"', False),
        (f'{ENTERPRISE}:department eq "ward 3"', True),
        (f'{ENTERPRISE}:manager eq "26118915"', True),
        ('urn:ietf:params:scim:schemas:core:2.0:User:title gt "Doctor"', True),
    ],
)
def test_what_fits_a_filter(text: str, fits: bool) -> None:
    assert matching.compiled(USER, filters.parse(text))(MONA) is fits


@pytest.mark.parametrize(
    "text",
    [
        *('password eq "x"', 'roles eq "Administrator"', "name.nothing pr", 'name eq "x"', "active gt true"),
        *('active eq "perhaps"', "userName eq true", 'meta.created gt "yesterday"', 'meta.created co "2026"'),
        *('urn:other:User:title eq "x"', 'title[value eq "x"]', 'emails[emails[value eq "x"]]', "title gt null"),
    ],
)
def test_what_no_user_can_have_is_refused_and_not_just_absent(text: str) -> None:
    with pytest.raises(InvalidFilterError):
        matching.compiled(USER, filters.parse(text))


@pytest.mark.parametrize(
    ("text", "narrow", "is_exact"),
    [
        ('userName eq "Mona"', {"user_name_key": "mona"}, True),
        ('externalId eq "X" and active eq true', {"external_id": "X", "active": True}, True),
        ('emails.value eq "Mona@Clinic.Example"', {"email_key": "mona@clinic.example"}, True),
        ('emails[value eq "mona@clinic.example"]', {"email_key": "mona@clinic.example"}, True),
        ('emails[type eq "work" and value eq "m@c.example"]', {}, False),
        ('active eq true and userName co "m"', {"active": True}, False),
        ('userName eq "a" and userName eq "b"', {"user_name_key": "a"}, False),
        ('userName eq "a" or userName eq "b"', {}, False),
        ('not (userName eq "a")', {}, False),
        ('meta.lastModified gt "1970-01-01T00:00:01Z"', {"changed_from": 1_001}, True),
        ('title eq "Nurse"', {}, False),
    ],
)
def test_what_an_index_answers_of_a_filter_for_users(text: str, narrow: dict[str, Any], is_exact: bool) -> None:
    assert narrowing.of_users(filters.parse(text)) == (scim_user_lists.Narrow(**narrow), is_exact)


def test_members_of_groups_are_looked_up_and_never_read_through() -> None:
    found = narrowing.of_groups(filters.parse('members.value eq "scu_1" and displayName eq "Nurses"'))
    assert found == (scim_groups.Narrow(member="scu_1", display_key="nurses"), True)
    for text in ('members.value ne "scu_1"', 'members[value eq "a"] or displayName pr', "members pr"):
        with pytest.raises(InvalidFilterError):
            narrowing.of_groups(filters.parse(text))
