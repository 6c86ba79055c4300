"""The Wav2Lip family: its networks are the published ones, and the dubber does what the original's formulas say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import drawn  # noqa: E402
import lipwright  # noqa: E402
from lipwright import canvas, faces, features, paint, registry, runtime  # noqa: E402
from lipwright.dubbers import (  # noqa: E402
    Dubber,
    Scene,
    _wav2lip_aligned as aligned,
    _wav2lip_original as original,
)
from lipwright.errors import LipwrightError  # noqa: E402
from lipwright.train import checkpoint, wav2lip  # noqa: E402
from lipwright.types import Audio, Clip, FaceTrack  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


# ------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("name", "values", "tensors"),
    [
        ("wav2lip-96", 36_298_035, 352),
        ("wav2lip-256", 53_605_683, 380),
        ("wav2lip-288", 48_520_815, 482),
        ("wav2lip-relu-288", 48_520_755, 422),
        ("wav2lip-384", 159_087_803, 485),
        ("wav2lip-sam-384", 172_667_525, 507),
    ],
)
def test_generators_have_the_published_numbers_of_values_and_tensors(name: str, values: int, tensors: int) -> None:
    with torch.device("meta"):
        network = wav2lip.Generator(wav2lip.LAYOUTS[name])
        size = wav2lip.LAYOUTS[name].size
        shape = network.eval()(torch.empty(2, 1, 80, 16), torch.empty(2, 6, size, size)).shape
    assert sum(p.numel() for p in network.parameters()) == values
    assert len(network.state_dict()) == tensors
    assert shape == (2, 3, size, size)


def seeded(name: str, part: int = 32) -> wav2lip.Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return wav2lip.Generator(replace(wav2lip.LAYOUTS[name], part=part)).eval()


@pytest.mark.parametrize("name", ["wav2lip-256", "wav2lip-288", "wav2lip-relu-288"])
def test_larger_members_answer_alike_as_onnx_and_dub_a_second(name: str, tmp_path: Path) -> None:
    network = seeded(name)
    checkpoint.to_onnx(network, tmp_path / "larger.onnx")
    assert checkpoint.gap(network, tmp_path / "larger.onnx") < 1e-4
    clip, options = drawn.talking(25), {"weights": str(tmp_path / "larger.onnx"), "box": [100, 60, 220, 200]}
    dubbed = lipwright.dub(clip, drawn.voice(1.0), dubber="wav2lip", **options)
    changed = [np.abs(a.astype(int) - b).max() for a, b in zip(dubbed.read(), clip.read(), strict=True)]
    assert min(changed) > 8


def test_384_sees_values_around_0_and_a_hole_with_a_rim_and_answers_from_0_to_1() -> None:
    """As its training script says: (x - 127.5) / 127.5, and [H/2:-8, 8:-8] is -1."""
    network, seen = seeded("wav2lip-384"), []
    network.face_encoder_blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    whole, other = torch.randint(0, 256, (2, 1, 3, 384, 384)).float()
    theirs = (torch.cat((whole, other), 1) - 127.5) / 127.5
    theirs[:, :3, 192:-8, 8:-8] = -1
    masked = whole.clone()
    masked[:, :, 192:] = 0
    with torch.no_grad():
        shown = torch.cat((masked, whole), 1) / 255
        painted = network(torch.randn(1, 1, 80, 16), shown)
        network(torch.randn(1, 1, 80, 16), torch.cat((masked, other), 1) / 255)
        network.output_block[1].bias.fill_(-100)
        black = network(torch.randn(1, 1, 80, 16), shown)
    torch.testing.assert_close(seen[0][:, :3], theirs[:, :3], atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[1][:, 3:], theirs[:, 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(seen[1][:, :3, :192], theirs[:, :3, :192], atol=1e-5, rtol=0)
    assert 0 < painted.min() < painted.max() < 1
    assert black.abs().max() < 1e-6


def test_384_hears_through_its_refining_blocks_and_sam_384_past_them() -> None:
    for name, used in (("wav2lip-384", True), ("wav2lip-sam-384", False)):
        network = seeded(name)
        called: list[object] = []
        network.audio_refine.register_forward_hook(lambda *given, called=called: called.append(given))
        with torch.no_grad():
            network(torch.randn(1, 1, 80, 16), torch.rand(1, 6, 384, 384))
        assert bool(called) == used


def test_what_is_painted_is_weighed_by_where_something_is_seen() -> None:
    network, given = seeded("wav2lip-sam-384"), (torch.randn(1, 1, 80, 16), torch.rand(1, 6, 384, 384))
    with torch.no_grad():
        before = network(*given)
        network.sam["sa"].conv1.weight.neg_()
        assert (network(*given) - before).abs().max() > 1e-5
    seen = torch.rand(2, 5, 9, 9)
    looked = torch.stack((seen.mean(1), seen.max(1).values), 1)
    wanted = torch.sigmoid(torch.nn.functional.conv2d(looked, network.sam["sa"].conv1.weight, padding=3))
    torch.testing.assert_close(network.sam["sa"](seen), wanted)


def test_the_groups_of_the_original_hold_as_many_tensors_as_published() -> None:
    with torch.device("meta"):
        keys = list(wav2lip.Generator(wav2lip.LAYOUTS["wav2lip-96"]).state_dict())
    groups = ("face_encoder_blocks", "audio_encoder", "face_decoder_blocks", "output_block")
    assert [sum(key.startswith(f"{group}.") for key in keys) for group in groups] == [126, 91, 126, 9]
    assert {"face_encoder_blocks.0.0.conv_block.0.weight", "output_block.1.weight"} <= set(keys)


def test_the_expert_is_the_published_one() -> None:
    network = wav2lip.SyncExpert().eval()
    assert sum(p.numel() for p in network.parameters()) == 16_435_072
    assert len(network.state_dict()) == 217
    with torch.no_grad():
        for vectors in network(torch.randn(2, 1, 80, 16), torch.rand(2, 15, 48, 96)):
            assert vectors.shape == (2, 512) and (vectors >= 0).all()
            torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_windows_of_time_are_folded_as_the_original_does() -> None:
    network = wav2lip.tiny()
    mel, faces = torch.randn(2, 5, 1, 80, 16), torch.rand(2, 6, 5, 96, 96)
    with torch.no_grad():
        both = network(mel, faces)
        one = network(mel[1, 3][None], faces[1, :, 3][None])[0]
    assert both.shape == (2, 3, 5, 96, 96)
    torch.testing.assert_close(both[1, :, 3], one, atol=1e-5, rtol=0)


def test_the_tiny_one_is_the_same_each_time_and_hears_and_sees() -> None:
    network, again = wav2lip.tiny(), wav2lip.tiny()
    faces = torch.rand(2, 6, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3)
    mel = 4 * torch.randn(2, 1, 80, 16)
    with torch.no_grad():
        here = network(mel, faces)
        torch.testing.assert_close(here, again(mel, faces))
        assert (here - network(mel.flip(0), faces)).abs().mean() > 1 / 255
        assert (here - network(mel, faces.flip(0))).abs().mean() > 4 / 255


# ------------------------------------------------------------------------------------------ the dubber

PLAIN = registry.load("dubbers", "wav2lip")


def test_the_network_that_ships_is_the_tiny_one() -> None:
    random = np.random.default_rng(1)
    mel = random.uniform(-4, 4, (2, 1, 80, 16)).astype(np.float32)
    seen = random.random((2, 6, 96, 96), np.float32)
    with torch.no_grad():
        made = wav2lip.tiny()(torch.from_numpy(mel), torch.from_numpy(seen)).numpy()
    shipped = runtime.load(registry.path("wav2lip_tiny"), precision="f32")(mel, seen)[0]
    assert np.abs(made - shipped).max() < 0.02  # seeded weights differ a little between versions of torch


def published(pictures: list[np.ndarray], mel: np.ndarray, fps: float, boxes: list[list[int]], smooth: bool) -> list:
    """The original's inference, written plainly from its published formulas: BGR pictures in and out."""
    chunks, i = [], 0
    while True:
        start = int(i * (80.0 / fps))
        if start + 16 > mel.shape[1]:
            chunks.append(mel[:, mel.shape[1] - 16 :])
            break
        chunks.append(mel[:, start : start + 16])
        i += 1
    pictures = pictures[: len(chunks)]
    boxes = np.array(boxes[: len(chunks)])
    for k in range(len(boxes) if smooth else 0):
        window = boxes[len(boxes) - 5 :] if k + 5 > len(boxes) else boxes[k : k + 5]
        boxes[k] = np.mean(window, axis=0)
    network, out = wav2lip.tiny(), []
    for k, chunk in enumerate(chunks):
        picture = pictures[k % len(pictures)].copy()
        x1, y1, x2, y2 = boxes[k % len(pictures)]
        face = cv2.resize(picture[y1:y2, x1:x2], (96, 96))
        masked = face.copy()
        masked[48:] = 0
        seen = np.concatenate((masked, face), axis=2) / 255.0
        with torch.no_grad():
            made = network(
                torch.FloatTensor(chunk[None, None].astype(np.float32)),
                torch.FloatTensor(np.transpose(seen, (2, 0, 1))[None]),
            )
        made = made.numpy()[0].transpose(1, 2, 0) * 255.0
        picture[y1:y2, x1:x2] = cv2.resize(made.astype(np.uint8), (x2 - x1, y2 - y1))
        out.append(picture)
    return out


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The seeded network as ONNX, made by the torch that is here."""
    path = tmp_path_factory.mktemp("weights") / "seeded.onnx"
    checkpoint.to_onnx(wav2lip.tiny(), path)
    return str(path)


def scene(clip: Clip, speech: Audio, smooth: float = 0.5) -> Scene:
    length = round(speech.duration * clip.fps)
    return Scene(clip, lambda: faces.track(clip), speech, canvas.bounce(length, clip.length), smooth)


def plan(clip: Clip, seconds: float, weights: str, seed: int = 4, **options: object) -> Dubber:
    return PLAIN.Dubber(scene(clip, drawn.voice(seconds, seed=seed)), weights=weights, **options)


def shown(dubber: Dubber) -> np.ndarray:
    length = len(dubber.canvas)
    return np.stack([p if t.face is None else paint.composite(p, t.face) for p, t in dubber.takes(0, length)])


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
@pytest.mark.parametrize("nosmooth", [False, True])
def test_compat_gives_the_pixels_of_the_published_formulas(weights: str, fps: Fraction, nosmooth: bool) -> None:
    clip = drawn.talking(24, fps)
    dubber = plan(clip, 1.4, weights, compat=True, nosmooth=nosmooth, pads=[3, 12, 5, 7])
    found = faces.track(clip).box.astype(int)
    boxes = [[max(0, x0 - 5), max(0, y0 - 3), min(320, x1 + 7), min(240, y1 + 12)] for x0, y0, x1, y1 in found.tolist()]
    pictures = [picture[..., ::-1] for picture in clip.read()]
    mel = features.mel(drawn.voice(1.4, seed=4))
    theirs = np.stack(published(pictures, mel, float(fps), boxes, smooth=not nosmooth))[..., ::-1]
    ours = shown(dubber)
    assert ours.shape == theirs.shape
    assert len(ours) < round(1.4 * fps)  # the original's video is shorter than the sound
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_compat_with_a_box_and_static_needs_no_search(weights: str) -> None:
    clip = drawn.talking(12)
    dubber = plan(clip, 0.8, weights, compat=True, box=[60, 200, 100, 220], static=True)
    first = next(clip.read())
    mel = features.mel(drawn.voice(0.8, seed=4))
    theirs = np.stack(published([first[..., ::-1]], mel, 25.0, [[100, 60, 220, 200]], smooth=False))[..., ::-1]
    assert not any(dubber.untouched)
    assert np.abs(shown(dubber).astype(int) - theirs.astype(int)).max() <= 1


def test_boxes_are_averaged_with_those_that_follow_and_cut_to_whole_pixels() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [2, 0, 10, 10], [3, 0, 10, 10], [8, 0, 10, 10], [9, 0, 10, 10]])
    assert original.averaged(boxes)[:, 0].tolist() == [2, 4, 5, 5, 6, 5]
    assert original.averaged(boxes[:3])[:, 0].tolist() == [1, 1, 1]


def test_by_default_the_sound_is_one_training_frame_earlier_and_the_length_exact(weights: str) -> None:
    for fps, lead in ((Fraction(25), 40), (Fraction(50), 40)):
        clip = drawn.talking(20, fps)
        ours, theirs = (plan(clip, 1.0, weights, compat=compat) for compat in (False, True))
        assert len(ours.canvas) == fps
        at = int(0.5 * fps)
        early = ours._spec.first(at, fps) - theirs._spec.first(at, fps)  # type: ignore[attr-defined]
        assert early / 80 * -1000 == pytest.approx(lead, abs=12.5)


def test_the_face_stays_in_its_place_upright_and_soft(weights: str) -> None:
    clip = drawn.talking(8)
    dubber = plan(clip, 0.3, weights)
    (picture, take), frame = next(iter(dubber.takes(0, 1))), int(dubber.canvas[0])
    assert take.face is not None
    assert 0 < take.face.mask.max() <= 1 and take.face.mask[[0, -1]].max() < 0.02
    way = dubber._plan.way  # type: ignore[attr-defined]
    back = way.face(frame, way.cut(frame, picture))
    again = paint.composite(picture, back)
    assert np.abs(again.astype(int) - picture).max() < 60 and np.abs(again.astype(int) - picture).mean() < 1


def test_a_tilted_head_is_cut_out_upright(weights: str) -> None:
    def tilted(start: int, stop: int) -> Iterator[np.ndarray]:
        return iter([drawn.face(0.3, tilt=0.5)] * (stop - start))

    clip = Clip(Fraction(25), (320, 240), 6, tilted)
    dubber, straight = plan(clip, 0.2, weights), plan(drawn.talking(6), 0.2, weights)
    cuts = [d._plan.way.cut(0, next(d._clip.read())).astype(float) for d in (dubber, straight)]  # type: ignore[attr-defined]
    left, right = cuts[0][:, :48], cuts[0][:, :47:-1]
    assert np.abs(left - right).mean() < 14  # as symmetric as a face that looks straight
    assert np.abs(cuts[0] - cuts[1]).mean() < 25


@pytest.mark.parametrize("start", [0, 3, 8, 13])
def test_the_network_runs_whole_batches_in_the_same_rows_wherever_one_begins(weights: str, start: int) -> None:
    clip = drawn.talking(30)
    dubber = plan(clip, 0.8, weights)
    dubber.untouched[9], dubber.untouched[16] = "covered", "covered"  # type: ignore[index]
    inner, seen = dubber._painter._network, []  # type: ignore[attr-defined]

    def watched(*arrays: np.ndarray) -> list[np.ndarray]:
        seen.append(len(arrays[0]))
        return inner(*arrays)

    whole = [None if take.face is None else take.face.picture for _, take in dubber.takes(0, 20)]
    dubber._painter._network = watched  # type: ignore[attr-defined]
    part = [None if take.face is None else take.face.picture for _, take in dubber.takes(start, 20)]
    assert seen == [8] * (3 - start // 8)
    for one, other in zip(whole[start:], part, strict=True):
        assert (one is None) == (other is None)
        np.testing.assert_array_equal(one, other)


def test_in_a_pause_the_network_hears_silence_and_sees_a_closed_mouth(weights: str) -> None:
    """Pain P2: the original lets the source's own mouth through, and moves it to noise."""
    clip = drawn.talking(50)
    voice = drawn.voice(2.0, seed=1)
    noise = np.random.default_rng(0).normal(0, 1e-3, 2 * 16000).astype(np.float32)
    said = Audio(np.concatenate([voice.samples, noise]), 16000)
    dubber = PLAIN.Dubber(scene(clip, said), weights=weights)
    here = dubber._plan  # type: ignore[attr-defined]
    pause = np.flatnonzero(here.voiced == 0)
    assert len(pause) > 25
    gaps = faces.opening(faces.to_canonical(faces.track(clip).points, faces.fit_pose(faces.track(clip).points)))
    assert (gaps[here.rests[pause]] < gaps.min() + 0.06).all()
    assert gaps[here.canvas[pause]].max() > gaps.min() + 0.1  # the source talks on in the pause
    for t in pause:
        assert (dubber._window(int(t)) == -4).all()  # type: ignore[attr-defined]
    loud = np.flatnonzero(here.voiced == 1)
    assert len(loud) and (here.rests[loud] == here.canvas[loud]).all()


def test_pauses_leave_the_pixels_of_compat_alone(weights: str) -> None:
    clip, silence = drawn.talking(30), Audio(np.zeros(16000, np.float32), 16000)
    dubber = PLAIN.Dubber(scene(clip, silence), weights=weights, compat=True)
    assert (dubber._plan.voiced == 1).all() and (dubber._plan.rests == dubber.canvas).all()  # type: ignore[attr-defined]


def test_frames_that_rest_are_those_that_look_most_alike() -> None:
    cost = np.array([[0, 1, 9], [0, 1, 9], [3, 0.5, 9], [3, 0.5, 9], [0.2, 0.5, 9]])
    assert aligned.steadiest(cost, 3.0).tolist() == [1, 1, 1, 1, 1]
    assert aligned.steadiest(cost, 0.1).tolist() == [0, 0, 1, 1, 0]


def test_a_box_given_is_never_looked_for_and_painted_softly(weights: str) -> None:
    clip, speech = drawn.talking(12), drawn.voice(0.6, seed=4)

    def forbidden() -> FaceTrack:
        raise AssertionError("faces were looked for")

    given = Scene(clip, forbidden, speech, canvas.bounce(15, 12))
    dubber = PLAIN.Dubber(given, weights=weights, box=[60, 200, 100, 220])
    picture, take = next(iter(dubber.takes(0, 1)))
    assert take.face is not None and not any(dubber.untouched) and len(dubber.canvas) == 15
    mask = take.face.mask
    assert mask.shape[1] == 120 and 60 < mask.shape[0] < 100 and mask.max() > 0.95
    assert mask[[0, -1]].max() < 0.1 and mask[:, [0, -1]].max() < 0.1
    made = shown(dubber)[0].astype(int)
    outside = np.ones((240, 320), bool)
    outside[105:200, 100:220] = False
    assert (made == picture)[outside].all() and np.abs(made - picture)[150:180, 140:180].mean() > 4


def test_pads_widen_the_face_and_smooth_steadies_it(weights: str) -> None:
    clip, speech = drawn.talking(12), drawn.voice(0.4, seed=4)
    plain, wider = (PLAIN.Dubber(scene(clip, speech), weights=weights, pads=p)._plan.way for p in (None, [0, 30, 0, 0]))
    tall = [way._places[0, 1, 1] * 96 for way in (plain, wider)]
    assert tall[1] - tall[0] == pytest.approx(30, abs=0.01)
    assert plain._places[0, 1, 2] == pytest.approx(wider._places[0, 1, 2], abs=0.5)
    moves = [
        np.abs(np.diff(PLAIN.Dubber(scene(clip, speech, smooth), weights=weights)._plan.way._places, axis=0)).mean()
        for smooth in (0.0, 0.5, 2.0)
    ]
    assert moves[0] > moves[1] > moves[2]


def test_static_with_compat_takes_the_box_of_the_first_frame_alone(weights: str) -> None:
    clip = drawn.talking(12)
    dubber = plan(clip, 0.8, weights, compat=True, static=True, pads=[0, 0, 0, 0])
    first = faces.track(clip).box[0].astype(int).tolist()
    assert dubber._plan.way._boxes[0].tolist() == first  # type: ignore[attr-defined]


def test_dub_takes_the_dubbers_length(weights: str) -> None:
    dubbed = lipwright.dub(drawn.talking(20), drawn.voice(0.8), dubber="wav2lip", weights=weights, compat=True)
    pictures = list(dubbed.read())
    assert dubbed.length == len(pictures) == 17
    np.testing.assert_array_equal(pictures, shown(plan(drawn.talking(20), 0.8, weights, seed=0, compat=True)))
    assert lipwright.dub(drawn.talking(20), drawn.voice(0.8), dubber="wav2lip", weights=weights).length == 20


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weights": ""}, "needs weights; bring a checkpoint with `lipwright models import FILE"),
        ({"weights": "nobody"}, "there are no weights called 'nobody'; there are: .*wav2lip_tiny"),
        ({"weights": "nowhere.onnx"}, "there is no network at nowhere.onnx"),
        ({"weights": "gan.pth"}, "is a PyTorch file; `lipwright models import gan.pth --name NAME` takes it once"),
        ({"weights": "motion"}, "is not of the Wav2Lip family, which takes a mel"),
        ({"pads": [0, 0, 0]}, "pads is four whole numbers"),
        ({"box": [0, 250, 0, 10]}, r"box is top, bottom, left, right within the picture of 320 x 240"),
        ({"compat": True, "pads": [1, 2]}, r"pads is four whole numbers.*given \[1, 2\]"),
        ({"compat": True, "pads": "wide"}, "pads is four whole numbers"),
        ({"compat": True, "box": [50, 40, 0, 10]}, r"box is top, bottom, left, right within the picture of 320 x 240"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(LipwrightError, match=sentence):
        lipwright.dub(drawn.talking(8), drawn.tone(0.4), dubber="wav2lip", **{"weights": "wav2lip_tiny", **options})


def test_compat_refuses_a_speech_of_less_than_a_window() -> None:
    with pytest.raises(LipwrightError, match="at least 0.2 s"):
        lipwright.dub(drawn.talking(8), drawn.tone(0.15), dubber="wav2lip", weights="wav2lip_tiny", compat=True)
