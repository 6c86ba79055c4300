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


def blocks(rows: np.ndarray, *lengths: int) -> list[np.ndarray]:
    return np.split(rows, np.cumsum(lengths)[:-1])


@pytest.mark.parametrize("how", ["euclidean", "cosine"])
def test_embeddings_in_blocks_of_any_length_give_the_same_table(how):
    both = walk(1300)
    video, audio = both[:1200], both[3:1203] + 0.1
    whole = sync.stream([video], [audio], how=how)
    apart = sync.stream(blocks(video, 1, 499, 0, 700), blocks(audio, 7, 3, 600, 590), how=how)
    np.testing.assert_array_equal(whole.rows, apart.rows)
    np.testing.assert_array_equal(whole.padding, apart.padding)
    assert (len(whole), whole.sounds, apart.sounds) == (1200, 1200, 1200)
    if how == "euclidean":
        np.testing.assert_allclose(whole.rows, sync.band(video, audio), atol=1e-6)
    else:
        apart = np.linalg.norm(video, axis=1) ** 2 + np.linalg.norm(audio, axis=1) ** 2 - 2 * (video * audio).sum(1)
        lengths = np.linalg.norm(video, axis=1) * np.linalg.norm(audio, axis=1)
        cosine = (np.linalg.norm(video, axis=1) ** 2 + np.linalg.norm(audio, axis=1) ** 2 - apart) / (2 * lengths)
        np.testing.assert_allclose(whole.rows[:, sync.REACH], 1 - cosine, atol=1e-5)


def test_sound_is_read_only_as_far_as_it_is_needed():
    video, audio = walk(400), walk(400)
    ahead = []

    def heard():
        for start in range(0, 400, 10):
            ahead.append(start)
            yield audio[start : start + 10]

    def seen():
        for start in range(0, 400, 20):
            assert not ahead or ahead[-1] <= start + 15
            yield video[start : start + 20]

    assert sync.stream(seen(), heard()).sounds == 400


def published(video: np.ndarray, audio: np.ndarray, reach: int = 15) -> tuple[int, float, float]:
    """SyncNet's evaluation written out: padded sound, L2 with eps, mean over windows, median minus least."""
    padded = np.concatenate([np.zeros((reach, audio.shape[1])), audio, np.zeros((reach, audio.shape[1]))])
    lists = [np.linalg.norm(one - padded[i : i + 2 * reach + 1] + 1e-6, axis=1) for i, one in enumerate(video)]
    curve = np.mean(lists, axis=0)
    return reach - int(curve.argmin()), float(curve.min()), float(np.median(curve) - curve.min())


@pytest.mark.parametrize("frames", [7, 30, 200])
@pytest.mark.parametrize("delay", [-4, 0, 3])
@pytest.mark.parametrize("lead", [0, 2])
def test_classic_is_what_syncnet_publishes(frames, delay, lead):
    both = 3 * walk(frames + 20, frames)
    video, audio = both[8 : 8 + frames], both[8 + delay : 8 + delay + frames]
    offset, least, confidence = published(video, audio)
    lost = np.full((lead, 16), np.nan, np.float32)
    table = sync.stream([lost, video, lost], [lost, audio, lost])
    found = sync.classic(table, frames, lead)
    assert found.offset == offset
    assert found.lse_d == pytest.approx(least, abs=1e-5)
    assert found.lse_c == pytest.approx(confidence, abs=1e-5)
    if frames > 7:
        assert offset == delay


def test_classic_drops_windows_as_it_is_told():
    video, audio = walk(60, 1), walk(64, 2)
    found = sync.classic(sync.stream([video], [audio]), 55)
    assert (found.offset, found.lse_d) == pytest.approx(published(video[:55], audio[:55])[:2], abs=1e-5)


def test_padding_flatters_short_clips_and_the_valid_curve_does_not():
    video, audio = 3 * walk(12, 1), 3 * walk(12, 2)
    table = sync.stream([video], [audio])
    assert sync.classic(table).lse_d < sync.judge(table.rows).distance


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_embeddings_that_are_not_numbers_are_a_sentence(value, which):
    pair = [walk(40), walk(40)]
    pair[which][17, 3] = value
    with pytest.raises(InputError, match=r"not numbers, first in row 17.*damaged"):
        sync.stream([pair[0]], [pair[1]])


def test_nothing_to_stream_is_a_sentence():
    with pytest.raises(InputError, match="holds no frame"):
        sync.stream([], [walk(5)])
    with pytest.raises(InputError, match="holds no sample"):
        sync.stream([walk(5)], [])
    with pytest.raises(InputError, match="D of 16 and 8"):
        sync.stream([walk(5)], [walk(5)[:, :8]])


def test_the_foot_of_the_curve_is_found_between_frames():
    at = np.arange(-15, 16)
    curve = sync.SyncCurve(2, ((at - 2.3) ** 2 / 100).astype(np.float32), 1.0, np.zeros(1, np.float32))
    assert curve.peak == pytest.approx(2.3, abs=1e-3)
    assert sync.SyncCurve(15, -at.astype(np.float32), 1.0, np.zeros(1, np.float32)).peak == 15
