"""Our own small generator: what it is shown, how it learns, and the dubber that runs it."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import drawn
import lipwright
from lipwright import canvas, compact, dubbers, faces, paint, registry, runtime
from lipwright.dubbers import compact as member
from lipwright.errors import InputError, WeightsError
from lipwright.types import Float, Picture

SIZE = 64


def square(seed: int = 0, size: int = SIZE) -> Picture:
    """A soft picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC))


def mesh(opening: float = 0.0, size: int = SIZE) -> Float:
    """The average face in the pixels of a lower face, its lower lip, jaw and chin moved down."""
    points = faces.canonical().points[:, :2].copy()
    below = np.setdiff1d(faces.canonical().moving, (*faces.OUTER_LIPS[:11], *faces.INNER_UPPER, 78, 308))
    below = below[points[below, 1] > 0.74]
    points[below, 1] += opening
    corner = (-faces.LOWER_SPAN / 2, faces.LOWER_TOP)
    return np.asarray((points - corner) * size / faces.LOWER_SPAN - 0.5, np.float32)


def test_what_is_hidden_is_what_speech_moves() -> None:
    shown = compact.alpha(SIZE)
    rows = np.round(mesh(0.1)[list(faces.OUTER_LIPS)]).astype(int)
    assert shown[rows[:, 1], rows[:, 0]].min() == 1 and shown[:, [0, -1]].max() == 0 and shown[:18].max() == 0
    picture = square()
    other = picture.copy()
    other[shown > 0] = 7
    assert np.array_equal(compact.hidden(picture), compact.hidden(other))
    assert np.array_equal(compact.hidden(picture)[shown == 0], picture[shown == 0])


def test_a_warp_to_the_same_mesh_changes_nothing_and_one_to_an_open_mouth_moves_the_chin() -> None:
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    closed, opened = mesh(), mesh(0.15)
    chin = np.round(closed[152]).astype(int)
    cv2.circle(picture, chin.tolist(), 3, (255, 255, 255), -1)
    same = compact.warped(picture, closed, closed)
    assert (
        np.abs(same.astype(int) - picture).mean()
        < 0.3
        < np.abs(compact.warped(picture, closed, opened).astype(int) - picture).mean()
    )
    moved = compact.warped(picture, closed, opened)[..., 0].astype(float)
    middle = (moved.sum(1) * np.arange(SIZE)).sum() / moved.sum()
    assert middle - closed[152, 1] == pytest.approx(0.15 * SIZE / faces.LOWER_SPAN, abs=1)
    assert compact.opening(opened, SIZE) - compact.opening(closed, SIZE) == pytest.approx(1.5, abs=0.2)


def test_the_guide_draws_the_lips_and_what_is_between_them() -> None:
    inside, lips = (compact.guide(mesh(0.15), SIZE)[..., k] / 255 for k in range(2))
    assert inside.sum() > 15 and (inside <= lips + 0.02).all()
    assert compact.guide(mesh(), SIZE)[..., 0].sum() < 0.6 * 255 * inside.sum()


def test_what_is_heard_lies_around_the_frame_and_beyond_the_ends_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.concatenate([np.zeros(16000, np.float32), drawn.noise(1.0).samples])
    whole = compact.columns(samples)
    monkeypatch.setattr(compact, "AT_ONCE", 37)
    np.testing.assert_allclose(compact.columns(samples), whole, atol=1e-4)
    window = compact.heard(whole, 25)
    assert window.shape == (compact.COLUMNS, 64)
    assert window[:12].mean() < -2.3 < window[18:].mean(), (
        "the sound begins with frame 25, in the middle of what it hears"
    )
    assert (compact.heard(whole, 49.5)[-4:] == compact.SILENCE).all() and (
        compact.heard(whole, 0)[:14] == compact.SILENCE
    ).all()


def test_fine_references_keep_their_detail() -> None:
    large = square(1, 4 * SIZE)
    small = member._shrunk(large, 4)
    shares = np.full((SIZE, SIZE, 2), 0.5, np.float32)
    made = small.astype(np.float32) + 10
    found = member.detailed(made, shares, small, large).astype(int)
    expected = np.clip(large.astype(int) + 10, 0, 255)
    assert np.abs(found - expected).max() <= 2
    assert np.array_equal(member.detailed(made, shares, small, small), np.clip(made + 0.5, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("times", [1, 2, 3])
def test_finer_pixels_lie_in_the_same_square(times: int) -> None:
    coarse, fine = (
        faces.lower_matrices(np.float32(90) * faces.canonical().points[None], side) for side in (32, 32 * times)
    )
    np.testing.assert_allclose(member.finer(coarse[0], times), fine[0], atol=1e-4)


def test_other_weights_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not a compact generator"):
        compact.Painter(registry.path("motion"))


# learning ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn talkers."""
    data, out = (tmp_path_factory.mktemp(name) for name in ("data", "prepared"))
    for name, seed in (("ann", 1), ("ben", 2)):
        clip = drawn.talking(40, seed=seed)
        assert clip.audio is not None
        drawn.write(data / f"{name}.mp4", clip.read(), fps=Fraction(25), audio=clip.audio.samples[None], rate=16000)
    (data / "manifest.csv").write_text("file,speaker,split\nann.mp4,ann,train\nben.mp4,ben,val\n")
    lipwright.prepare("manifest", data, out, workers=1, sync="off", size=SIZE)
    return out


SMALL = {
    "size": "tiny",
    "clips": 1,
    "frames": 3,
    "warmup": 2,
    "every": 2,
    "precision": "32-true",
    "adversary": 0,
    "schedule": "constant",
}


def test_it_learns_writes_what_dubs_and_resumes_exactly(prepared: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("lightning")
    from lipwright.train import compact as training, engine, kept, recipes

    recipe = recipes.load(training.CompactRecipe, "compact", **SMALL)
    task = training._task(recipe, prepared, None)
    done = engine.fit(task, tmp_path / "once", steps=4)
    assert {"ssim", "sharp", "flicker", "error", "error_copied"} <= set(done.figures)
    for steps in (2, 4):
        engine.fit(training._task(recipe, prepared, None), tmp_path / "twice", steps=steps)
    once, twice = (kept.load(tmp_path / name / "latest.pt") for name in ("once", "twice"))
    assert once["step"] == twice["step"] == 4
    for name, values in once["parts"]["adversary"]["network"].items():
        assert torch.equal(values, twice["parts"]["adversary"]["network"][name]), name
    training._export(task, done, tmp_path, "recipe compact")
    with (tmp_path / "compact.yaml").open() as lines:
        assert "redraws lower faces" in lines.read()
    network = runtime.load(tmp_path / "compact.onnx", precision="f32")
    random = np.random.default_rng(0)
    shapes = ((3, compact.PLANES, SIZE, SIZE), (3, compact.COLUMNS, 64), (3, compact.GAPS))
    given = [random.random(shape, np.float32) for shape in shapes]
    with torch.no_grad():
        expected = done.network(*map(torch.from_numpy, given))
    for here, there in zip(network(*given), expected, strict=True):
        np.testing.assert_allclose(here, there.numpy(), atol=1e-3)
    clip = drawn.talking(12)
    scene = dubbers.Scene(clip, faces.track(clip), drawn.voice(0.4, seed=2), canvas.bounce(10, 12))
    dubber = member.Dubber(scene, weights=str(tmp_path / "compact.onnx"))
    assert [take.face is not None for _, take in dubber.takes(0, 10)] == [True] * 10


def test_training_draws_better_mouths_than_a_copy(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from lipwright.train import compact as training, languages, recipes

    monkeypatch.setattr(training, "JUDGED", 4)

    torch.manual_seed(1)
    how = {**SMALL, "clips": 2, "fooled": 0.0, "features": 0.0, "change": 0.0}
    task = training._task(recipes.load(training.CompactRecipe, "compact", **how), prepared, None)
    network = task.network()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(40):
        optimizer.zero_grad()
        task.losses(network, task.draw(np.random.default_rng(step)))["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        found = task.validate(network.eval())
        shown = task.samples(network)["drawn"]
        by = languages.report(task, network, [{"id": task.held[0].id, "language": "fr"}])
    assert [(line.language, line.recordings, line.figures) for line in by] == [("fr", 1, found)]
    assert found["error"] < 0.9 * found["error_copied"]
    assert shown.shape == (4 * SIZE, 5 * SIZE, 3) and shown.dtype == np.uint8


def test_the_expert_watches_the_mouth_and_finds_nothing_in_equal_pictures(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from lipwright.train import kept, networks
    from lipwright.train.watcher import Watcher

    torch.manual_seed(0)
    expert = networks.Expert("crop", "tiny", 0.0)
    kept.save(tmp_path / "best.pt", {"network": expert.state_dict(), "recipe": {"size": "tiny"}})
    watcher = Watcher(tmp_path / "best.pt", 128)
    clip = drawn.talking(1)
    picture, track = next(clip.read(0, 1)), faces.track(clip)
    lower = faces.lower_crop(picture, faces.lower_matrices(track.points, 128)[0], 128)
    small = faces.mouth_crop(picture, faces.mouth_matrices(track.points)[0])
    planes = torch.from_numpy(lower.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    seen = watcher.mouths(planes)[0].numpy() * 255
    assert np.abs(seen - small).mean() < 4 < np.abs(seen - small[::-1]).mean()
    same = planes[None].repeat(1, 2, 1, 1, 1)
    around, sound = torch.rand(1, 2 + 2 * networks.EDGE, 48, 64), torch.randn(1, 4 * (2 + 2 * networks.EDGE), 64)
    assert float(watcher(same, same, around, sound)["looks"]) == 0
    other = (same * 0.5).requires_grad_()
    other.data[..., 60:70, 40:90] = 0
    said = watcher(other, same, around, sound)
    (said["looks"] + said["sync"]).backward()
    assert float(said["looks"].detach()) > 0 and float(other.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in watcher.parameters())


def test_folders_and_settings_that_do_not_fit_are_sentences(prepared: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from lipwright.train import compact as training, data, lowerfaces, recipes

    with pytest.raises(InputError, match="frames must be at least 2"):
        recipes.load(training.CompactRecipe, "compact", frames=1)
    with pytest.raises(InputError, match="edges must be 0 or more"):
        recipes.load(training.CompactRecipe, "compact", edges=-1.0)
    folder = tmp_path / "plain"
    (folder / "clips").mkdir(parents=True)
    (folder / "manifest.csv").write_text((prepared / "manifest.csv").read_text())
    for row in csv.DictReader((prepared / "manifest.csv").open()):
        with np.load(prepared / "clips" / f"{row['id']}.npz") as arrays:
            plain = {name: arrays[name] for name in arrays if name != "lower"}
            np.savez(folder / "clips" / f"{row['id']}.npz", **plain)
    with pytest.raises(InputError, match="prepare .* --size 128"):
        lowerfaces.read(data.read(folder).train, folder, 5)
    with pytest.raises(InputError, match="shows 400 lower faces"):
        lowerfaces.read(data.read(prepared).train, prepared, 400)


# dubbing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("voice", [True, False])
def test_references_follow_the_wanted_mouth_and_silence_closes_it(voice: bool) -> None:
    clip = drawn.talking(40)
    track = faces.track(clip)
    speech = drawn.voice(1.0, seed=2) if voice else drawn.silence(1.0)
    scene = dubbers.Scene(clip, track, speech, canvas.bounce(25, 40))
    dubber = member.Dubber(scene, weights="compact_tiny")
    gaps = [
        compact.opening(dubber._mesh(points, frame), dubber._painter.size) for frame, points in enumerate(track.points)
    ]
    wanted, shown = lipwright.mouth.opening(dubber._target), np.array([gaps[row] for row in dubber._shows])
    if voice:
        assert np.corrcoef(shown, wanted)[0, 1] > 0.3
    else:
        assert wanted.max() < 0.03 and shown.mean() < np.quantile(gaps, 0.6)
    for picture, take in dubber.takes(0, 3):
        assert take.face is not None
        made = paint.composite(picture, take.face)
        assert (made == picture)[:60].all(), "nothing above the nose is touched"


def test_the_shipped_generator_shows_the_person_it_was_given() -> None:
    painter = compact.Painter(registry.path("compact"))
    clip = drawn.talking(2)
    picture, track = next(clip.read(0, 1)), faces.track(clip)
    place = faces.lower_matrices(track.points, painter.size)
    lower, points = faces.lower_crop(picture, place[0], painter.size), faces.in_crop(track.points, place)[0]
    drawing = compact.guide(points, painter.size)
    gap = compact.opening(points, painter.size)
    heard, gaps = np.full((compact.COLUMNS, 64), compact.SILENCE, np.float32), np.full(compact.GAPS, gap, np.float32)

    def off(reference: Picture) -> float:
        asked = compact.Asked(compact.planes(compact.hidden(lower), reference, reference, drawing), heard, gaps)
        return float(np.abs(painter(asked)[0] - reference)[compact.alpha(painter.size) > 0].mean())

    assert off(lower) < 8
    assert (
        off(lower[..., ::-1])
        < 0.5 * np.abs(lower[..., ::-1].astype(float) - lower)[compact.alpha(painter.size) > 0].mean()
    )
