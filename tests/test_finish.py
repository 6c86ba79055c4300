"""finish: what each part promises, on drawn pictures and the portrait; lazily, and never across a cut."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn
import jittered
from lipwright import cli, dub, faces, finish, likeness, media, paint
from lipwright.errors import InputError, WeightsError
from lipwright.finishing import Finishing, calm, flow, grain, pace, restoring, shake, timing
from lipwright.types import Clip, FaceTrack, Picture
from portrait import studio  # noqa: F401
from restorers import network
from scenes import film, made


def textured(size: tuple[int, int] = (200, 150), seed: int = 0) -> Picture:
    """A picture with corners to follow."""
    noise = np.random.default_rng(seed).uniform(70, 180, (size[1] // 8 + 1, size[0] // 8 + 1, 3)).astype(np.float32)
    large = cv2.resize(noise, (size[0] + 16, size[1] + 16), interpolation=cv2.INTER_CUBIC)
    return np.clip(large[8 : 8 + size[1], 8 : 8 + size[0]], 0, 255).astype(np.uint8)


def moved(picture: Picture, x: float, y: float, size: tuple[int, int] = (128, 96)) -> Picture:
    """The middle of a picture of another size, seen ``x``, ``y`` px further on; exact to a 16th of a pixel."""
    left, top = (picture.shape[1] - size[0]) / 2 + x, (picture.shape[0] - size[1]) / 2 + y
    return cv2.warpAffine(
        picture, np.array([[1, 0, left], [0, 1, top]]), size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )


@pytest.fixture(scope="module")
def shaken() -> tuple[Clip, np.ndarray]:
    """A camera that pans evenly and shakes, and its shake (40, 2) px."""
    world, random = textured((260, 180)), np.random.default_rng(1)
    shake = random.normal(0, 1.2, (40, 2))
    pictures = [moved(world, 0.7 * t + x, y) for t, (x, y) in enumerate(shake)]
    return film(pictures), shake


def wobble(clip: Clip) -> np.ndarray:
    """How far the picture jumps beside its even way, px, frame by frame."""
    way = shake.path(clip).steps[:, 2:] * clip.size[0]
    return np.abs(np.diff(way, 2, axis=0)).max(1)


def test_shake_is_found_and_taken_out(shaken: tuple[Clip, np.ndarray]) -> None:
    clip, shake_px = shaken
    way = shake.path(clip)
    found = way.steps[:, 2:] * clip.size[0]
    expected = -(shake_px + np.arange(40)[:, None] * [0.7, 0])
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.35)
    steady = finish(clip, stabilise=0.5)
    assert wobble(film(list(steady.read())))[4:-4].mean() < 0.25 * wobble(clip)[4:-4].mean()


def test_the_pan_stays_and_the_edges_are_what_lies_there(shaken: tuple[Clip, np.ndarray]) -> None:
    clip, _ = shaken
    world = textured((260, 180))
    for frame, picture in enumerate(finish(clip, stabilise=0.5).read()):
        if 5 <= frame < 35:
            near = [
                likeness.psnr(picture, moved(world, 0.7 * frame + x, y))
                for x in np.arange(-1.5, 1.6, 0.5)
                for y in np.arange(-1, 1.1, 0.5)
            ]
            assert max(near) > 24, "a black or mirrored edge, or a camera that no longer pans"


def test_a_still_camera_is_left_alone_and_a_cut_is_no_shake() -> None:
    one, other = textured(seed=2), textured(seed=3)
    clip = film([one] * 12 + [255 - other] * 12)
    way = shake.path(clip)
    assert way.shot.tolist() == [0] * 12 + [1] * 12
    np.testing.assert_array_equal(np.stack(list(finish(clip, stabilise=1.0).read())), np.stack(list(clip.read())))


def test_a_person_who_moves_does_not_move_the_camera() -> None:
    wall, coat = textured((128, 96), seed=4), textured((100, 60), seed=6)
    pictures, boxes = [], []
    for t in range(30):
        picture, x = wall.copy(), 30 + round(6 * np.sin(t))
        picture[20:80, x : x + 66] = coat[:, :66]
        pictures.append(picture)
        boxes.append([x + 16, 40, x + 50, 70])
    track = FaceTrack(0, np.array(boxes, np.float32), np.zeros((30, 468, 3), np.float32), np.ones(30, np.float32))
    clip = film(pictures)
    assert not shake.path(clip, [track]).steps.any()
    assert shake.path(clip).steps.any(), "the person fills most of the picture, so nothing would be told without it"


def test_edges_that_open_are_filled_from_the_frames_around() -> None:
    world = textured((160, 120), seed=9)
    shown = {0: moved(world, 6, 0, (96, 72)), 1: moved(world, 0, 0, (96, 72)), 2: moved(world, -6, 0, (96, 72))}
    clip = film(list(shown.values()))
    way = shake.Path(np.array([[0, 0, x / 96, 0] for x in (-6, 0, 6)], np.float32), np.zeros(3, np.int64))
    steady = shake.Steadied(clip, way, 0.0)
    steady._smooth = way.steps + np.array([[0, 0, 0, 0], [0, 0, 3 / 96, 0], [0, 0, 0, 0]], np.float32)
    done = next(steady(1, 2))
    assert likeness.psnr(done, moved(world, -3, 0, (96, 72))) > 32


def test_the_way_follows_the_order_in_which_frames_are_shown() -> None:
    way = shake.Path(np.arange(40, dtype=np.float32).reshape(10, 4), np.zeros(10, np.int64))
    shown = way.ordered(np.array([3, 4, 4, 3, 2]))
    np.testing.assert_array_equal(shown.steps[:, 0], [12, 16, 16, 12, 8])
    assert len(set(shown.shot.tolist())) == 1
    far = shake.Path(np.zeros((30, 4), np.float32), np.zeros(30, np.int64)).ordered(np.array([28, 29, 0, 1]))
    assert far.shot[1] != far.shot[2], "where the video begins anew, so does the way"


def test_any_part_can_be_read_alone(shaken: tuple[Clip, np.ndarray]) -> None:
    clip = finish(shaken[0], stabilise=0.5, fps=30)
    whole = list(clip.read())
    np.testing.assert_array_equal(np.stack(list(clip.read(17, 23))), np.stack(whole[17:23]))


@pytest.mark.parametrize(
    ("asked", "source", "expected"),
    [
        ("30", 25, Fraction(30)),
        ("29.97", 25, Fraction(30000, 1001)),
        ("60000/1001", 25, Fraction(60000, 1001)),
        ("source", 24, Fraction(24)),
        (12.5, 25, Fraction(25, 2)),
    ],
)
def test_rates_are_exact(asked: str | float, source: int, expected: Fraction) -> None:
    assert pace.rate(asked, Fraction(source)) == expected


@pytest.mark.parametrize("asked", ["fast", "0", "-5", "1000", "1/0", "nan", "inf"])
def test_what_is_no_rate_is_refused(asked: str) -> None:
    with pytest.raises(InputError, match=rf"given {asked}"):
        Finishing(fps=asked)


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30), Fraction(60000, 1001), Fraction(10)])
def test_another_rate_keeps_duration_sound_and_moment(fps: Fraction) -> None:
    clip = drawn.talking(50)
    changed = finish(clip, fps=fps)
    assert (changed.fps, changed.length) == (fps, round(2 * fps))
    assert changed.audio is clip.audio
    assert len(list(changed.read(changed.length - 3))) == 3
    np.testing.assert_array_equal(next(changed.read(0)), next(clip.read(0)))


def slide(frames: int, step: float) -> list[Picture]:
    world = textured((260, 180), seed=5)
    return [moved(world, step * t, 0) for t in range(frames)]


def test_frames_between_are_those_that_were_left_out() -> None:
    every = slide(21, 1.5)
    made_there = list(finish(film(every[::2], Fraction(25, 2)), fps=25).read())
    inner = [frame for frame in range(3, 17) if frame % 2]
    own = np.mean([likeness.psnr(made_there[frame], every[frame]) for frame in inner])
    blend = np.mean([likeness.psnr(cv2.addWeighted(every[f - 1], 0.5, every[f + 1], 0.5, 0), every[f]) for f in inner])
    assert own > blend + 6
    np.testing.assert_array_equal(made_there[4], every[4])


def test_nothing_is_made_between_two_shots() -> None:
    dark, bright = textured(seed=1) // 8, 255 - textured(seed=2) // 8
    for picture in finish(film([dark] * 4 + [bright] * 4), fps=60).read():
        assert any(np.array_equal(picture, shot) for shot in (dark, bright))


def test_flow_says_where_a_pixel_went() -> None:
    one, other = slide(2, 3.0)
    found = flow.Flow()(one, other)[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(found, (0, 1)), [-3, 0], atol=0.1)
    assert likeness.psnr(flow.carried(other, flow.Flow()(one, other))[10:-10, 10:-10], one[10:-10, 10:-10]) > 30
    tiny = np.zeros((8, 8, 3), np.uint8)
    assert not flow.Flow()(tiny, tiny).any()


def flickering(frames: int = 7) -> dict[int, Picture]:
    """A moving texture whose light goes up and down."""
    return {
        t: np.clip(picture.astype(np.int16) * 0.6 + 50 + (4 if t % 2 else -4), 0, 255).astype(np.uint8)
        for t, picture in enumerate(slide(frames, 1.0))
    }


def test_flicker_goes_and_detail_stays() -> None:
    parts = flickering()
    here = parts[3]
    done = calm.evened({n: parts[n] for n in (1, 2, 3, 4, 5)}, 3, flow.Flow())
    middle = (slice(15, -15), slice(15, -15))
    light = lambda picture: picture[middle].astype(float).mean() - (parts[2][middle].astype(float).mean() + 4)  # noqa: E731
    assert abs(light(done)) < 0.6 * abs(light(here))
    kept = likeness.detail(likeness.grey(done)[middle]) / likeness.detail(likeness.grey(here)[middle])
    assert 0.97 < kept < 1.03


def test_what_changes_truly_is_not_dragged_along() -> None:
    before, now = textured(seed=7), textured(seed=8)
    assert likeness.psnr(calm.evened({0: before, 1: now, 2: before}, 1, flow.Flow()), now) > 30


@pytest.fixture(scope="module")
def face(studio: Path) -> Clip:
    """The portrait, flickering: 12 frames at half size."""
    picture = next(media.open(studio / "talk.mp4").read())[::2, ::2]
    light = np.random.default_rng(0).normal(0, 3, 12)
    pictures = [np.clip(picture.astype(np.float32) + by, 0, 255).astype(np.uint8) for by in light]
    return replace(film(pictures), key="the portrait, flickering")


def test_calm_touches_the_lower_face_alone(face: Clip) -> None:
    points = faces.track(face).points[6]
    source, done = (list(clip.read())[6] for clip in (face, finish(face, calm=1.0)))
    changed = np.argwhere((source != done).any(2))[:, ::-1]
    assert len(changed) > 500
    eyes = points[[33, 263], 1].max()
    assert changed[:, 1].min() > eyes
    half = list(finish(face, calm=0.5).read())[6]
    whole_gap, half_gap = (np.abs(other.astype(int) - source).sum() for other in (done, half))
    assert 0.3 * whole_gap < half_gap < 0.7 * whole_gap


def test_calm_evens_out_the_flicker_that_is_measured(face: Clip) -> None:
    def flicker(clip: Clip) -> float:
        x0, y0, x1, y1 = faces.track(face).box[0].astype(int)
        mouths = [p[(y0 + 2 * y1) // 3 : y1 - 4, x0 + 20 : x1 - 20].astype(np.float32) for p in clip.read()]
        return float(np.mean([likeness.trembling(*mouths[t - 1 : t + 2]) for t in range(1, len(mouths) - 1)]))

    assert flicker(finish(face, calm=1.0)) < 0.6 * flicker(face)


def test_grain_is_brought_to_that_of_the_source() -> None:
    smooth = cv2.GaussianBlur(textured((160, 120)), (0, 0), 3)
    random = np.random.default_rng(0)
    grainy = np.clip(smooth + random.normal(0, 3, smooth.shape[:2])[..., None], 0, 255).astype(np.uint8)
    fine, coarse = film([smooth] * 3), film([grainy] * 3)
    wanted = grain.level(coarse)
    for clip, source in ((fine, coarse), (coarse, fine)):
        own, aim = grain.level(clip), grain.level(source)
        done = [paint.grain(picture) for picture in finish(clip, source=source, regrain=True).read()]
        assert abs(np.mean(done) - aim) < 0.25 * abs(own - aim)
    noisy = list(finish(fine, source=coarse, regrain=True).read())
    assert not np.array_equal(noisy[0], noisy[1]), "grain that stands still is dirt on the lens"
    np.testing.assert_array_equal(grain.grained(grainy, wanted), grainy)


def test_eyes_lie_where_the_networks_were_trained_to_see_them(face: Clip) -> None:
    points = faces.track(face).points[0, :, :2]
    matrix = restoring.aligned(points, 512)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    eyes = np.stack([points[[33, 133, 159, 145]].mean(0), points[[263, 362, 386, 374]].mean(0)])
    seen = eyes @ back[:2, :2].T + back[:2, 2]
    np.testing.assert_allclose(seen, restoring.FFHQ[:2] * 512, atol=25)


def test_a_network_that_changes_nothing_leaves_the_picture(face: Clip, tmp_path: Path) -> None:
    same = network(tmp_path / "same.onnx", "identity", 256)
    source, done = (next(clip.read(3)) for clip in (face, finish(face, restore=same)))
    assert likeness.psnr(source, done) > 34
    np.testing.assert_array_equal(done[:10], source[:10])


def test_strength_and_fidelity_say_how_much(face: Clip, tmp_path: Path) -> None:
    x0, y0, x1, y1 = faces.track(face).box[3].astype(int)
    inside = (slice((y0 + y1) // 2 - 9, (y0 + y1) // 2 + 9), slice((x0 + x1) // 2 - 9, (x0 + x1) // 2 + 9))

    def brighter(**how: object) -> float:
        source, done = (next(clip.read(3))[inside].astype(float) for clip in (face, finish(face, **how)))
        return float((done - source).mean())

    light = network(tmp_path / "light.onnx", "brighter")
    assert brighter(restore=light) == pytest.approx(25.5, abs=3)
    assert brighter(restore=light, restore_strength=0.5) == pytest.approx(12.7, abs=2)
    assert brighter(restore=light, restore_strength=0.0) == 0
    faithful = network(tmp_path / "faithful.onnx", "fidelity")
    assert brighter(restore=faithful, restore_fidelity=0.1) == pytest.approx(12.7, abs=2)
    assert brighter(restore=faithful, restore_fidelity=0.2) == pytest.approx(25.5, abs=3)


def test_what_restores_no_faces_is_refused(face: Clip, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not restore faces: it takes input .* gives output"):
        finish(face, restore=network(tmp_path / "flat.onnx", "flat"))
    (tmp_path / "words.onnx").write_text("not a network")
    with pytest.raises(WeightsError, match="not a network"):
        finish(face, restore=tmp_path / "words.onnx")
    with pytest.raises(InputError, match="there is no file"):
        finish(face, restore=tmp_path / "none.onnx")


def test_nothing_asked_for_is_the_same_clip_and_every_wish_another_key() -> None:
    clip = drawn.talking(10)
    assert finish(clip) == replace(clip, edits=())
    keys = {
        finish(clip, **how).key for how in ({}, {"stabilise": 0.5}, {"stabilise": 1.0}, {"fps": 30}, {"regrain": True})
    }
    assert len(keys) == 5
    assert finish(replace(clip, key=""), fps=30).key == ""
    assert [edit.what for edit in finish(clip, fps=30, stabilise=0.5).edits] == ["shake taken out", "frame rate 30"]


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"stabilise": -1}, "stabilise goes from 0 to 10; given -1"),
        ({"stabilise": float("nan")}, "given nan"),
        ({"calm": 2}, "calm goes from 0 to 1; given 2"),
        ({"calm": True}, "given True"),
        ({"restore_strength": 1.5}, "restore_strength goes from 0 to 1"),
        ({"retime": 1}, "retime is true or false"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(how: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Finishing(**how)


def test_wobbling_sync_comes_right_on_a_smooth_curve() -> None:
    clip, order = jittered.jittered(100)
    times = timing.curve(clip, faces.track(clip))

    def wobbles(at: np.ndarray) -> float:
        off = np.interp(at, np.arange(100), order) - np.arange(100)
        return float(np.abs(off - np.median(off)).mean())

    assert wobbles(times) < 0.5 * wobbles(np.arange(100.0))
    steps = np.diff(times)
    assert np.abs(steps - 1).max() < 1, "no frame is left out or held: the curve bends"
    assert (np.abs(times - np.round(times)) < 0.01).mean() > 0.5, "away from its bends whole frames are shown"
    assert finish(clip, retime=True).length == 100


def test_retiming_needs_a_sound(face: Clip) -> None:
    with pytest.raises(InputError, match="no sound by which"):
        finish(face, retime=True)


def test_few_pictures_are_held_at_a_time() -> None:
    alive: list[weakref.ref[Picture]] = []
    most = 0
    world = textured((260, 180))

    def frames(start: int, stop: int) -> Iterator[Picture]:
        nonlocal most
        for number in range(start, stop):
            picture = moved(world, number % 5, number % 3, (96, 72))
            alive[:] = [one for one in alive if one() is not None] + [weakref.ref(picture)]
            most = max(most, len(alive))
            yield picture

    clip = Clip(Fraction(25), (96, 72), 60, frames)
    assert sum(1 for _ in finish(clip, stabilise=0.5, regrain=True, fps=30).read()) == 72
    assert 2 * shake.REACH < most < 2 * shake.REACH + 10


def test_an_interrupted_finish_goes_on_and_gives_the_same_video(tmp_path: Path) -> None:
    world, read = textured((260, 180)), [0]

    def draw(number: int) -> Picture:
        read[0] += 1
        return moved(world, number % 7, number % 3, (96, 72))

    clip = finish(replace(made(draw, 280), key="a shaken wall"), regrain=True, fps=30)
    media.write(clip, tmp_path / "whole.mp4", resume=False)

    def stop(done: int, total: int, what: str) -> None:
        if done > 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        media.write(clip, tmp_path / "out.mp4", progress=stop)
    read[0] = 0
    again = media.open(media.write(clip, tmp_path / "out.mp4"))
    assert read[0] < 150, "what was finished is not made again"
    for one, other in zip(again.read(), media.open(tmp_path / "whole.mp4").read(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_still_has_no_shake() -> None:
    clip = made(lambda _: textured(), 1)
    assert len(list(finish(clip, stabilise=1.0).read())) == 1


def test_the_command_writes_what_is_asked_for(
    studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = f"finish {studio / 'talk.mp4'} -o out.mp4 --fps 30000/1001 --stabilise --calm 0.5 --json"
    assert cli.main(line.split()) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "out": str(tmp_path / "out.mp4"), "seconds": pytest.approx(1.0, abs=0.02), "frames": 30, "size": [512, 512],
        "fps": "30000/1001",
    }  # fmt: skip
    assert (media.open("out.mp4").fps, media.open("out.mp4").length) == (Fraction(30000, 1001), 30)
    assert cli.main(["finish", str(studio / "talk.mp4"), "-o", "none.mp4"]) == 1
    assert "nothing is asked for" in capsys.readouterr().err
    for words in (["--regrain"], ["--calm", "--fps", "source"]):
        assert cli.main(["finish", str(studio / "talk.mp4"), "-o", "none.mp4", *words]) == 1
        assert "give it: --source VIDEO" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    assert cli.main(["finish", str(studio / "talk.mp4"), "-o", "none.mp4", "--restore", "notes.txt"]) == 1
    assert "notes.txt is no ONNX file, by its name" in capsys.readouterr().err
    assert not (tmp_path / "none.mp4").exists()


def test_a_dubber_takes_the_same_options(studio: Path) -> None:
    clip, speech = media.open(studio / "talk.mp4"), media.open_audio(studio / "speech.wav").cut(0, 0.4)
    plain, done = dub(clip, speech), dub(clip, speech, fps=50, calm=1.0, stabilise=0.5)
    assert (plain.length, done.length, done.fps) == (10, 20, 50)
    assert done.key not in ("", plain.key)
    assert done.people == plain.people
    assert [edit.what for edit in done.edits][-1] == "frame rate 50"
    assert dub(clip, speech, fps=50, compare="side").size == (1024, 512)
    with pytest.raises(InputError, match="calm goes from 0 to 1"):
        dub(clip, speech, calm=3.0)


def test_a_dubbed_still_is_finished_by_its_own_face(studio: Path) -> None:
    speech = media.open_audio(studio / "speech.wav").cut(0, 0.4)
    done = dub(media.open(studio / "portrait.png"), speech, stabilise=1.0, calm=1.0)
    assert len(list(done.read())) == 10
