"""Charts: what is drawn is what there is, nothing in it is markup but ours, and its numbers can be read without it."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from rxauth.edge.pages.charts import Line, bars
from tests.world import NOW

DAY_S = 86_400
HEIGHT = 96.0
counts = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=2, max_size=40)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def drawn(pairs: list[tuple[int, int]], title: str = "Tokens", step_s: int = DAY_S) -> str:
    """Returns a chart of two lines."""
    begins = [NOW + place * step_s for place in range(len(pairs))]
    lines = [Line("issued", "good", [one for one, _ in pairs]), Line("refused", "bad", [one for _, one in pairs])]
    return str(bars("a-chart", title, begins, lines, "Nothing."))


def element(chart: str) -> ElementTree.Element:
    """Reads a chart as XML, which is stricter than a browser."""
    return ElementTree.fromstring(chart)


@given(counts)
def test_every_number_is_drawn_within_the_picture_and_in_proportion(pairs: list[tuple[int, int]]) -> None:
    chart = element(drawn(pairs))
    groups = chart.findall("./svg/g")
    most = max(map(sum, pairs))
    assert len(groups) == (len(pairs) if most else 0)
    for group, pair in zip(groups, pairs, strict=False):
        rects = group.findall("rect")
        assert [one.get("class") for one in rects] == [
            kind for kind, count in zip(("good", "bad"), pair, strict=True) if count
        ]
        for one, count in zip(rects, (count for count in pair if count), strict=True):
            top, height = float(one.get("y", "")), float(one.get("height", ""))
            assert 0 <= top <= top + height <= HEIGHT + 0.1
            assert abs(height - count / most * HEIGHT) <= 2.1


@given(texts)
def test_no_title_becomes_markup(title: str) -> None:
    chart = element(drawn([(1, 0), (2, 1)], title))
    caption = chart.find("figcaption")
    assert caption is not None
    assert (caption.text or "") == title


def test_a_chart_is_told_to_who_does_not_see_it() -> None:
    chart = element(drawn([(1_000, 0), (2_000, 5)]))
    picture = chart.find("svg")
    assert picture is not None
    assert picture.get("role") == "img"
    said = {one.get("id"): one.text for one in picture if one.tag in {"title", "desc"}}
    assert picture.get("aria-labelledby") == " ".join(str(one) for one in said)
    assert said["a-chart-said"] == "3,000 issued, 5 refused from 23 Nov to 24 Nov (UTC). At most 2,005 a day."
    rows = [[cell.text for cell in row] for row in chart.findall("./details/table/tbody/tr")]
    assert rows == [["24 Nov", "2,000", "5"], ["23 Nov", "1,000", "0"]]
    assert "style=" not in drawn([(1, 1), (1, 1)])


def test_hours_are_named_as_hours() -> None:
    assert re.findall("<th>([^<]+)<", drawn([(1, 0), (2, 0)], step_s=3_600)) == [
        "23 Nov, 13:00",
        "23 Nov, 12:00",
    ]


def test_nothing_is_said_and_not_drawn() -> None:
    chart = drawn([(0, 0), (0, 0)])
    assert "<svg" not in chart
    assert "Nothing." in chart
