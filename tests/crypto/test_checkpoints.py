"""Checkpoints: what is signed, byte for byte, and whose signature counts."""

import pytest

from rxauth.crypto.checkpoints import BadCheckpointError, Checkpoint, CheckpointKey, Verifier, unproven

KEY = CheckpointKey("rxauth-audit-test", bytes(range(32)))
POINT = Checkpoint("rxauth-audit-test", 7, bytes(32), 1_795_435_200_123_456)


def test_a_checkpoint_is_a_signed_note_and_is_read_back() -> None:
    note = KEY.sign(POINT)
    assert note.startswith(
        "rxauth-audit-test\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n2026-11-23T12:00:00.123456Z\n\n"
        "— rxauth-audit-test "
    )
    verifier = Verifier.from_text(KEY.verifier().text())
    assert verifier == CheckpointKey("rxauth-audit-test", KEY.seed()).verifier()
    assert verifier.open(note) == unproven(note) == POINT


def test_au_12_a_checkpoint_signed_with_another_key_is_refused() -> None:
    for other in (CheckpointKey.new("rxauth-audit-test"), CheckpointKey("another-log", KEY.seed())):
        with pytest.raises(BadCheckpointError, match="another key"):
            KEY.verifier().open(other.sign(POINT))


def test_a_checkpoint_that_was_changed_is_refused() -> None:
    with pytest.raises(BadCheckpointError, match="does not belong"):
        KEY.verifier().open(KEY.sign(POINT).replace("\n7\n", "\n8\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("\n7\n", "\n07\n"), ("\n7\n", "\nx\n"), ("Z\n", "+00:00\n"), ("2026", "year"), ("AA=\n", "A\n"), ("— ", "- ")],
)
def test_a_text_that_is_not_written_as_checkpoints_are_is_none(old: str, new: str) -> None:
    with pytest.raises(BadCheckpointError):
        unproven(KEY.sign(POINT).replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "a+b", "a+b+c", "a+00000000+AQ==", KEY.verifier().text() + "AAAA"])
def test_what_is_no_key_of_a_log_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpointError):
        Verifier.from_text(text)
