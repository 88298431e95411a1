"""Numbers over time as pictures: SVG that needs no script, takes its colours from the page, and has its numbers below.

Nothing here knows where numbers come from. What a chart says is escaped; what it draws is numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from markupsafe import Markup

_HEIGHT: Final = 96  # of the drawing; its width is that of the page
_WIDTH: Final = 10  # of the place of one bar, which is stretched; the stylesheet has the width of the bar itself
_GAP: Final = 2
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """One of the numbers that a chart shows at each time. kind: good, or bad, which is drawn on top of it."""

    label: str
    kind: Literal["good", "bad"]
    counts: Sequence[int]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.counts)


def bars(name: str, title: str, begins: Sequence[int], lines: Sequence[Line], empty: str) -> Markup:
    """Draws lines as stacked bars, one for each time.

    name: unique on the page. begins: when each time begins, UTC seconds, evenly apart, at least two. empty: a sentence
    in place of a picture of nothing.
    """
    is_daily = len(begins) < 2 or begins[1] - begins[0] >= _DAY_S
    words = [_when(at, is_daily=is_daily) for at in begins]
    if not any(line.total for line in lines):
        return Markup('<figure class="chart"><figcaption>{}</figcaption><p class="empty">{}</p></figure>').format(
            title, empty
        )
    most = max(map(sum, zip(*(line.counts for line in lines), strict=True)))
    each = "a day" if is_daily else "an hour"
    said = ", ".join(f"{line.total:,} {line.label}" for line in lines)
    description = f"{said} from {words[0]} to {words[-1]} (UTC). At most {most:,} {each}."
    return Markup(
        '<figure class="chart"><figcaption>{title}</figcaption>{legend}'
        '<svg role="img" aria-labelledby="{name}-title {name}-said" viewBox="0 0 {width} {height}"'
        ' preserveAspectRatio="none" width="100%" height="{height}" shape-rendering="crispEdges" focusable="false">'
        '<title id="{name}-title">{title}</title><desc id="{name}-said">{description}</desc>{bars}</svg>'
        '<p class="axis quiet"><span>{first}</span><span>most: {most}</span><span>{last}</span></p>{table}'
        "</figure>"
    ).format(
        name=name,
        title=title,
        description=description,
        legend=_legend(lines),
        width=_WIDTH * len(begins),
        height=_HEIGHT,
        bars=Markup("").join(_bar(place, word, lines, most) for place, word in enumerate(words)),
        first=words[0],
        last=words[-1],
        most=f"{most:,}",
        table=_table(title, words, lines),
    )


def _legend(lines: Sequence[Line]) -> Markup:
    made = (Markup('<span class="{}">{} {}</span>').format(line.kind, f"{line.total:,}", line.label) for line in lines)
    return Markup('<p class="legend">{}</p>').format(Markup(" ").join(made))


def _bar(place: int, when: str, lines: Sequence[Line], most: int) -> Markup:
    """Draws what there is at one time, the first line at the bottom; the smallest number can still be seen."""
    said = ", ".join(f"{line.counts[place]:,} {line.label}" for line in lines)
    drawn, bottom = Markup(""), float(_HEIGHT)
    for line in lines:
        if count := line.counts[place]:
            height = max(2.0, count / most * _HEIGHT)
            top = max(0.0, bottom - height)
            drawn += Markup('<rect class="{}" x="{}" y="{}" height="{}"/>').format(
                line.kind, place * _WIDTH + _GAP // 2, f"{top:.1f}", f"{bottom - top:.1f}"
            )
            bottom = top
    return Markup("<g><title>{}: {}</title>{}</g>").format(when, said, drawn)


def _table(title: str, words: Sequence[str], lines: Sequence[Line]) -> Markup:
    """Returns the numbers, the newest first."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(line.label.capitalize()) for line in lines)
    rows = Markup("").join(
        Markup("<tr><th>{}</th>{}</tr>").format(
            word, Markup("").join(Markup("<td>{}</td>").format(f"{line.counts[place]:,}") for line in lines)
        )
        for place, word in reversed(list(enumerate(words)))
    )
    return Markup(
        '<details><summary>As numbers<span class="unseen">: {}</span></summary><table class="numbers">'
        '<thead><tr><th scope="col">When (UTC)</th>{}</tr></thead><tbody>{}</tbody></table></details>'
    ).format(title, head, rows)


def _when(at_s: int, *, is_daily: bool) -> str:
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at.day} {at:%b}" if is_daily else f"{at.day} {at:%b}, {at:%H}:00"
