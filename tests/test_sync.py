"""The offset and its sign, pinned by known delays."""

import numpy as np
import pytest

from lipwright import sync
from lipwright.errors import InputError


def walk(frames: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(frames, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("delay", [-7, -1, 0, 2, 12])
def test_sound_that_comes_early_has_an_offset_above_nought(delay):
    both = walk(200)
    video = both[20:150]
    audio = both[20 + delay : 150 + delay]  # what sounds at t belongs to the picture at t + delay: early
    curve = sync.compare(video, audio)
    assert curve.offset == delay
    assert curve.contrast > 1
    assert curve.distances[sync.REACH + delay] == pytest.approx(0, abs=1e-6)


def test_words_say_which_side_and_how_much():
    both = walk(100)
    early = sync.compare(both[:90], both[3:93])
    late = sync.compare(both[3:93], both[:90])
    assert early.words(25) == "the sound comes 3 frames (120 ms) early"
    assert late.words(25) == "the sound comes 3 frames (120 ms) late"
    assert sync.compare(both, both).words(25) == "picture and sound agree"


def test_frames_without_a_face_are_left_out():
    video, audio = walk(100), walk(100)
    video[30:60] = np.nan
    curve = sync.compare(video, audio)
    assert curve.offset == 0
    assert np.isnan(curve.track[30:60]).all()
    assert np.isfinite(curve.track[:30]).all()


def test_padding_takes_no_part():
    video = walk(12)
    table = sync.band(video, video, reach=15)
    assert np.isnan(table[0, 16:]).all()
    assert np.isnan(sync.judge(table).distances[0])


def test_wrong_sound_has_little_contrast():
    assert sync.compare(walk(300, 1), walk(300, 2)).contrast < 0.15


def test_shapes_that_do_not_meet_are_refused():
    with pytest.raises(InputError, match="one D"):
        sync.compare(walk(10), walk(10)[:, :8])


def test_nothing_to_compare_is_a_sentence():
    with pytest.raises(InputError, match="no face"):
        sync.compare(np.full((5, 4), np.nan, np.float32), np.zeros((5, 4), np.float32))
