"""A sitting may be held in parts, and its report says what was found, against what is wanted and beside the peers."""

from pathlib import Path

import pytest
from bench.machine import Cores
from bench.report import Sat
from bench.sitting import Kept, Run, Sitting, load_kept

from bench import names, report

RATES = {names.NODE: 1_000.0, names.DJANGO: 4.0, names.DJANGO_FAST: 400.0}
ACTS = (names.TOKEN, names.TOKEN_ES256, names.INTROSPECTION, names.REFRESH, names.CODE)
OF_RXAUTH = (names.LOGIN, names.AUTHORIZE, names.CALL, names.PATIENT, names.PRESCRIPTION)
MORE = (
    names.of(names.TOKEN, names.UNCHAINED),
    names.of(names.CALL, names.UNVERIFIED),
    names.of(names.TOKEN, names.HALF_PEAK),
    names.of(names.TOKEN, names.HALF_PEAK_QUEUED),
)


def run(number: int, contender: str, per_second: float) -> Run:
    """A run whose yardstick makes twice as many."""
    return Run(number, contender, per_second, 5, 9, "bare", per_second * 2, 0.5, 90, 0.9)


def whole(file: Path) -> Kept:
    """A sitting of two rounds in which everybody took part."""
    ours = [names.of(act, who) for act in (*ACTS, *OF_RXAUTH) for who in names.ENGINES]
    theirs = [(names.of(act, names.NODE), RATES[names.NODE]) for act in ACTS]
    theirs += [(names.of(names.TOKEN, who), RATES[who]) for who in (names.DJANGO, names.DJANGO_FAST)]
    rates = [*((name, 2_000.0) for name in (*ours, *MORE)), *theirs]
    once = {
        "machine": {"processor": "two cores"},
        "written": {"tokens, SQLite": {"answers": 10, "acts": 10, "changed": True}},
        "first_token_s": [0.9, 1.0],
        "help_s": [0.2],
        "decision_us": {"a decision": [2.0]},
    }
    runs = [run(number, name, rate + number) for number in range(2) for name, rate in rates]
    return Kept(file, 8, 2, ["2026-11-26 20:00 UTC"], once, runs)


def test_a_sitting_goes_on_with_what_its_file_has(tmp_path: Path) -> None:
    kept = whole(tmp_path / "results" / "sitting.json")
    kept.save()

    again = load_kept(kept.file, 8, 2)

    assert again == kept
    assert again.has(1, names.of(names.TOKEN, names.NODE))
    assert not again.has(2, names.of(names.TOKEN, names.NODE))
    assert again.first("help_s", lambda: [0.9]) == [0.2]
    assert Sitting(Cores(0, 1), again, 0).hold([]) is True


def test_a_sitting_of_other_rounds_is_not_mixed_in(tmp_path: Path) -> None:
    kept = whole(tmp_path / "sitting.json")
    kept.save()

    with pytest.raises(SystemExit, match="other rounds"):
        load_kept(kept.file, 5, 2)


def test_the_report_compares_with_wants_and_peers(tmp_path: Path) -> None:
    sat = Sat.of_kept(whole(tmp_path / "sitting.json"))
    page = report.markdown(sat)

    met = {figure.what: figure.met for figure in sat.found.figures()}
    assert met["token RS256 of bare signatures, rxauth on SQLite"] is False
    assert met["refresh a second, rxauth on PostgreSQL"] is True
    assert "| token, RS256, of oidc-provider | 2.00 | 2.00 to 2.00 | 2.00 | 2.00 to 2.00 |" in page
    assert (
        "| token RS256 of bare signatures, rxauth on SQLite | 0.500 | 0.500 to 0.500 | at least 0.65 | 0.75 | NO |"
        in page
    )
    assert sat.save(tmp_path).with_suffix(".json").exists()


def test_the_report_leaves_out_what_nobody_took_part_in(tmp_path: Path) -> None:
    kept = whole(tmp_path / "sitting.json")
    kept.runs = [one for one in kept.runs if one.contender not in MORE]

    sat = Sat.of_kept(kept)

    assert "what the chain adds to a token" not in {figure.what for figure in sat.found.figures()}
    assert "refresh a second" in report.markdown(sat)
