"""Training on drawn data: a mouth that opens as loud as a noise is."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

import speaking  # noqa: E402
from lipwright import runtime, sync  # noqa: E402
from lipwright.errors import InputError, WeightsError  # noqa: E402
from lipwright.train import (  # noqa: E402
    augment,
    crossfit,
    data,
    engine,
    expert,
    export,
    judge,
    kept,
    losses,
    motion,
    networks,
    offsets,
    recipes,
    space,
    tracing,
    train,
)
from speaking import VERTICES  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    rows = [(f"c{k}", f"s{k // 2}", "train" if k < 6 else "val", "xx", 60 if k < 6 else 120) for k in range(8)]
    return speaking.folder(tmp_path_factory.mktemp("drawn") / "prepared", rows)


TINY = {"size": "tiny", "clips": 4, "frames": 24, "warmup": 2, "every": 5, "drop": 0.0}


def test_points_expert_learns_and_resumes_exactly(prepared, tmp_path):
    recipe = recipes.build(expert.ExpertRecipe, {**TINY, "sees": "points", "steps": 30, "rate": 0.01}, "here")
    known = data.read(prepared)
    whole = engine.fit(expert.ExpertTask(recipe, known), tmp_path / "whole")
    losses_ = [loss for _, loss in whole.curve]
    assert np.mean(losses_[-5:]) < np.mean(losses_[:5]) - 0.1

    class Cut(expert.ExpertTask):
        calls = 0

        def losses(self, network, batch):
            Cut.calls += 1
            if Cut.calls > 12:
                raise KeyboardInterrupt
            return super().losses(network, batch)

    with pytest.raises(KeyboardInterrupt):
        engine.fit(Cut(recipe, known), tmp_path / "cut")
    rest = engine.fit(expert.ExpertTask(recipe, known), tmp_path / "cut")
    assert rest.curve == whole.curve
    assert not list((tmp_path / "cut").glob("*.part"))


def test_motion_trains_exports_and_the_export_says_the_same(prepared, tmp_path):
    figures = train("motion", data=prepared, out=tmp_path, steps=12, components=3, rate=0.01, **TINY)
    assert {"score", "median", "floor", "amplitude", "closed"} <= set(figures)
    assert "sha256:" in (tmp_path / "motion.yaml").read_text()
    state = kept.load(tmp_path / "best.pt")
    network = networks.MotionNet(3, VERTICES, "tiny", 0.0)
    network.load_state_dict(state["network"])
    alone = networks.MotionNets([network.eval()])
    assert judge.calibrate(alone, data.read(prepared).val) == pytest.approx(figures["factor"])
    columns = np.random.default_rng(0).normal(0, 1, (1, 4 * 33, 64)).astype(np.float32)
    with torch.no_grad():
        coefficients, opening, _ = network(torch.from_numpy(columns))
        wanted = network.points(coefficients, opening).numpy()
    shape, opened, closed, spread = runtime.load(tmp_path / "motion.onnx", precision="f32")(columns)
    assert shape.shape == (1, 33, VERTICES, 3)
    np.testing.assert_allclose(shape, wanted, atol=1e-3)
    np.testing.assert_allclose(opened, opening.numpy() * spread, atol=1e-3)
    assert ((closed >= 0) & (closed <= 1)).all()


def recordings(speakers: int, frames: int = 40) -> list[data.Recording]:
    """Mouths that open in waves, each speaker's with another shape, on heads that move a little."""
    random, made = np.random.default_rng(3), []
    for k in range(speakers):
        opening = 0.05 + 0.03 * np.sin(np.arange(frames) / 3 + k)
        shapes = np.zeros((frames, VERTICES, 3), np.float32)
        shapes[:, :, 1] = opening[:, None] * np.linspace(0, 1, VERTICES)
        shapes[:, :, 0] = 0.02 * random.normal(0, 1, (frames, 1)) * np.linspace(-1, 1, VERTICES)
        shapes += 0.05 * random.normal(0, 1, (frames, 1, 3))
        made.append(
            data.Recording(
                f"r{k}", f"s{k}", np.zeros((frames, 48, 64), np.uint8), shapes.astype(np.float16),
                opening.astype(np.float32), np.ones(frames, bool), np.zeros(frames * 640, np.int16),
            )
        )  # fmt: skip
    return made


def test_speakers_kept_aside_are_whole_and_like_the_rest():
    spoken = [*recordings(30), *recordings(30), *recordings(1, 4000)]
    learn, kept = data.hold(spoken, 0.1)
    assert len(learn) + len(kept) == len(spoken)
    assert len({r.speaker for r in kept}) == 3
    assert not {r.speaker for r in learn} & {r.speaker for r in kept}
    assert "s0" in {r.speaker for r in learn}
    learn, kept = data.hold(spoken, 0)
    assert (len(learn), kept) == (len(spoken), [])


def test_training_stops_by_the_speakers_kept_aside_and_never_learns_from_them(prepared):
    known = data.Prepared(recordings(20), data.read(prepared).val)
    recipe = recipes.build(motion.MotionRecipe, {**TINY, "hold": 0.2, "components": 2}, "here")
    task = motion.MotionTask(recipe, known)
    assert len(task.held) == 4
    assert not {r.id for r in task.held} & {r.id for r in task.windows.recordings + known.val}
    assert motion.MotionTask(replace(recipe, hold=0.0), known).held is known.val


def spaced(seed: int) -> networks.MotionNet:
    torch.manual_seed(seed)
    network = networks.MotionNet(2, VERTICES, "tiny", 0.0).eval()
    found = space.fit_space(recordings(6), 2)
    network.basis.copy_(torch.from_numpy(found.basis))
    network.slope.copy_(torch.from_numpy(found.slope))
    network.spread.copy_(torch.tensor([found.spread, found.least]))
    return network


def test_networks_together_say_the_mean_and_are_exported_as_one(tmp_path):
    one, other = spaced(0), spaced(1)
    columns = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 4 * 33, 64)).astype(np.float32))
    export.motion(networks.MotionNets([one, other]), tmp_path / "motion.onnx")
    shape, opened, _, spread = runtime.load(tmp_path / "motion.onnx", precision="f32")(columns.numpy())
    with torch.no_grad():
        said = [network(columns) for network in (one, other)]
        points = [network.points(*parts[:2]).numpy() for network, parts in zip((one, other), said, strict=True)]
    np.testing.assert_allclose(shape, (points[0] + points[1]) / 2, atol=1e-3)
    np.testing.assert_allclose(opened / spread, (said[0][1] + said[1][1]).numpy() / 2, atol=1e-3)


def test_calibration_opens_networks_together_as_far_as_real_mouths(prepared):
    both, spoken = networks.MotionNets([spaced(0), spaced(1)]), data.read(prepared).val
    with torch.no_grad():
        for member in both.members:
            member.out.weight *= 20  # untrained, it hardly moves
    judge.calibrate(both, spoken)
    assert judge.judge(both, spoken)["amplitude"] == pytest.approx(1, abs=0.01)


def test_a_speaker_of_many_recordings_counts_once(prepared):
    one, other = data.read(prepared).val
    other = replace(other, speaker="another")
    own = [judge.judge(spaced(0), [each])["mean"] for each in (one, other)]
    told = judge.judge(spaced(0), [one, other, *(replace(one, id=f"again{k}") for k in range(8))])
    assert told["score"] == pytest.approx((own[0] + own[1]) / 2)
    assert told["mean"] == pytest.approx((9 * own[0] + own[1]) / 10)
    assert abs(own[0] - own[1]) > 1e-3


def test_a_network_of_another_training_is_not_averaged(prepared, tmp_path):
    recipe = recipes.build(motion.MotionRecipe, {**TINY, "components": 2, "beside": str(tmp_path / "b.pt")}, "here")
    task = motion.MotionTask(recipe, data.read(prepared))
    kept.save(tmp_path / "b.pt", {"network": networks.MotionNet(3, VERTICES, "tiny").state_dict()})
    with pytest.raises(WeightsError, match="these components"):
        task.joined(task.network())
    other = networks.MotionNet(2, VERTICES, "tiny")
    other.basis.fill_(1.0)
    kept.save(tmp_path / "b.pt", {"network": other.state_dict()})
    with pytest.raises(WeightsError, match="other recordings"):
        task.joined(task.network())
    kept.save(tmp_path / "b.pt", {"network": task.network().state_dict()})
    assert len(task.joined(task.network()).members) == 2


def test_crop_expert_exports_both_encoders(tmp_path):
    network = networks.Expert("crop", "tiny", 0.0).eval()
    video, audio = tmp_path / "video.onnx", tmp_path / "audio.onnx"
    export.expert(network, video, audio)
    crops = np.random.default_rng(0).uniform(0, 1, (1, 21, 48, 64)).astype(np.float32)
    columns = np.random.default_rng(1).normal(0, 1, (1, 84, 64)).astype(np.float32)
    with torch.no_grad():
        seen, heard, _ = network(torch.from_numpy(crops), torch.from_numpy(columns))
    np.testing.assert_allclose(runtime.load(video, precision="f32")(crops)[0], seen.numpy(), atol=1e-3)
    np.testing.assert_allclose(runtime.load(audio, precision="f32")(columns)[0], heard.numpy(), atol=1e-3)


def test_experts_together_compare_as_both_and_are_exported_as_one(prepared, tmp_path):
    torch.manual_seed(0)
    one, other = (networks.Expert("points", "tiny", 0.0, VERTICES * 3).eval() for _ in range(2))
    kept.save(tmp_path / "b.pt", {"network": other.state_dict()})
    recipe = recipes.build(expert.ExpertRecipe, {**TINY, "sees": "points", "beside": str(tmp_path / "b.pt")}, "here")
    task = expert.ExpertTask(recipe, data.read(prepared))
    both, held = task.joined(one), task.held[0]
    said = [expert.distances(network, held, "points") for network in (one, other, both)]
    np.testing.assert_allclose(said[2], np.sqrt((said[0] ** 2 + said[1] ** 2) / 2), atol=1e-4)
    export.expert(both, tmp_path / "video.onnx", tmp_path / "audio.onnx")
    points = np.random.default_rng(0).normal(0, 1, (1, 21, VERTICES * 3)).astype(np.float32)
    found = runtime.load(tmp_path / "video.onnx", precision="f32")(points)[0]
    with torch.no_grad():
        np.testing.assert_allclose(found, both.video(torch.from_numpy(points)).numpy(), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, atol=1e-3)
    how = {**TINY, "sees": "points", "steps": 2, "beside": str(tmp_path / "b.pt")}
    figures = train("expert", recipe="points", data=prepared, out=tmp_path / "run", **how)
    assert runtime.load(tmp_path / "run" / "lipmesh_video.onnx", precision="f32")(points)[0].shape == found.shape
    assert f"score {figures['score']:.3f}" in (tmp_path / "run" / "lipmesh_video.yaml").read_text().replace("\n  ", " ")
    kept.save(tmp_path / "b.pt", {"network": networks.Expert("crop", "tiny", 0.0).state_dict()})
    with pytest.raises(WeightsError, match="of this size that sees the same"):
        task.joined(one)


def test_weights_are_kept_half_as_long_and_computed_with_as_float32(tmp_path):
    torch.manual_seed(0)
    network, given = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.Linear(512, 8)), torch.randn(4, 64)
    with torch.no_grad():
        network[1].bias += 1e5  # short, and too large for a float16
    sizes = {}
    for name, lean in (("whole", False), ("lean", True)):
        path = tmp_path / f"{name}.onnx"
        tracing.write_onnx(network, (given,), path, ["given"], ["said"], ({0: torch.export.Dim("n")},), lean=lean)
        found, sizes[name] = runtime.load(path, precision="f32")(given.numpy())[0], path.stat().st_size
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, network(given).detach().numpy(), rtol=1e-6, atol=1e-3)
    assert sizes["lean"] < 0.6 * sizes["whole"]


def test_crossfit_writes_offsets_for_every_recording(prepared, tmp_path):
    path = crossfit(data=prepared, out=tmp_path, steps=4, **TINY)
    with path.open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["clip"] for row in rows} == {f"c{k}" for k in range(8)}
    assert all(-15 <= int(row["offset"]) <= 15 and row["keep"] in "01" for row in rows)


@pytest.mark.parametrize("sees", ["crop", "points"])
def test_embeddings_depend_on_no_more_than_the_edge(sees):
    torch.manual_seed(0)
    network = networks.Expert(sees, "tiny", 0.0, VERTICES * 3).eval()
    frames, at, edge = 40, 20, networks.EDGE
    seen = torch.rand(1, frames, 48, 64) if sees == "crop" else torch.randn(1, frames, VERTICES * 3)
    heard = torch.randn(1, 4 * frames, 64)
    far_seen, far_heard = seen.clone(), heard.clone()
    far_seen[:, : at - edge] += 1
    far_seen[:, at + edge + 1 :] -= 1
    far_heard[:, : 4 * (at - edge)] += 1
    far_heard[:, 4 * (at + edge + 1) :] -= 1
    with torch.no_grad():
        video, audio, _ = network(seen, heard)
        far_video, far_audio, _ = network(far_seen, far_heard)
    torch.testing.assert_close(video[:, at], far_video[:, at])
    torch.testing.assert_close(audio[:, at], far_audio[:, at])


def test_motion_hears_no_further_than_it_says():
    from lipwright.motion import REACH

    torch.manual_seed(0)
    network = networks.MotionNet(3, VERTICES, "tiny", 0.0).eval()
    columns = torch.randn(1, 4 * 60, 64)
    far = columns.clone()
    far[:, : 4 * (30 - REACH)] += 1
    far[:, 4 * (30 + REACH + 1) :] += 1
    with torch.no_grad():
        torch.testing.assert_close(network(columns)[0][:, 30], network(far)[0][:, 30])


def test_contrast_is_least_for_pairs_that_match():
    random = torch.Generator().manual_seed(0)
    video = torch.nn.functional.normalize(torch.randn(3, 10, 8, generator=random), dim=-1)
    right = losses.contrast(video, video, torch.tensor(20.0))
    wrong = losses.contrast(video, video.roll(3, dims=1), torch.tensor(20.0))
    assert right["accuracy"] == 1
    assert wrong["accuracy"] < 0.3
    assert right["time"] < wrong["time"]
    assert right["others"] < wrong["others"]


def test_an_expert_is_scored_by_how_deep_its_curve_is_at_the_right_offset():
    random = np.random.default_rng(0)
    flat = random.normal(1, 0.01, (40, 31)).astype(np.float32)
    deep, deeper = flat.copy(), flat.copy()
    deep[:, sync.REACH + 2] -= 0.1
    deeper[:, sync.REACH + 2] -= 0.2
    assert abs(expert.depth(sync.judge(flat), 2)) < 3
    assert 3 < expert.depth(sync.judge(deep), 2) < expert.depth(sync.judge(deeper), 2)
    assert expert.depth(sync.judge(deep), -9) < 0
    assert expert.depth(sync.judge(100 * deep), 2) == pytest.approx(expert.depth(sync.judge(deep), 2), rel=1e-3)
    deep[:, sync.REACH + 2] = np.nan
    assert expert.depth(sync.judge(deep), 2) == 0


def test_offset_is_taken_out_of_the_sound():
    samples = np.zeros(640 * 30, np.int16)
    samples[640 * 7] = 32767
    one = data.Recording(
        "c", "s", np.zeros((30, 48, 64), np.uint8), np.zeros((30, 2, 3), np.float16),
        np.zeros(30, np.float32), np.ones(30, bool), samples, offset=3,
    )  # fmt: skip
    windows = data.Windows(np.zeros(1, np.int64), np.arange(30)[None].astype(float), np.ones(1))
    # The sound came 3 frames early, so it is delayed: what lay at frame 7 belongs to the picture of frame 10.
    assert data.sounds([one], windows)[0].argmax() == 640 * 10


def test_crossfit_sign_agrees_with_sync():
    random = np.random.default_rng(0)
    both = random.normal(size=(80, 8)).astype(np.float32)
    table = sync.band(both[5:65], both[9:69])
    assert sync.judge(table).offset == 4
    assert sync.judge(offsets._moved(table, 1)).offset == 3
    assert sync.judge(offsets._moved(table, -2)).offset == 6


def test_draw_is_the_same_for_the_same_step_and_evens_speakers_out(prepared):
    drawer = data.Draw(data.read(prepared).train, 24)
    first, again = (drawer(np.random.default_rng([1, 5]), 4) for _ in range(2))
    np.testing.assert_array_equal(first.at, again.at)
    assert (first.at >= 0).all()
    assert (first.at <= 59).all()


def test_sound_augmentation_keeps_time():
    click = np.zeros((2, 16000), np.float32)
    click[:, 8000] = 0.9
    heard = augment.sound(click, np.random.default_rng(0))
    assert np.abs(np.abs(heard).argmax(1) - 8000).max() < 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stepz: 3", "no setting stepz"),
        ("steps: many", "steps must be of type int; given 'many'"),
        ("steps: 0", "steps must be at least 1; given 0"),
        ("rate: 3.0", "rate must lie between 0 and 1"),
        ("sees: ears", "sees must be crop or points; given 'ears'"),
        ("- 1", "'setting: value' lines"),
        ("a: [", "is not YAML"),
    ],
)
def test_recipes_that_cannot_be_used_are_refused_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        recipes.load(expert.ExpertRecipe, path)


def test_a_recipe_nobody_wrote_names_those_that_exist():
    with pytest.raises(InputError, match=r"shipped are: .*motion"):
        recipes.load(motion.MotionRecipe, "nonesuch")


def test_training_something_else_is_refused(prepared, tmp_path):
    with pytest.raises(InputError, match="expert, motion"):
        train("dancer", data=prepared, out=tmp_path)


def test_a_folder_that_is_not_prepared_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.csv"):
        data.read(tmp_path)


def test_a_folder_of_another_training_is_not_overwritten(prepared, tmp_path):
    kept.save(tmp_path / "latest.pt", {"task": "motion", "recipe": {"size": "tiny"}})
    recipe = recipes.build(expert.ExpertRecipe, {**TINY, "sees": "points", "steps": 2}, "here")
    with pytest.raises(WeightsError, match="another training"):
        engine.fit(expert.ExpertTask(recipe, data.read(prepared)), tmp_path)


def test_a_damaged_checkpoint_is_a_sentence(tmp_path):
    (tmp_path / "latest.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsError, match="cannot be read"):
        kept.load(tmp_path / "latest.pt")


def test_data_without_validation_speakers_are_refused(prepared):
    with pytest.raises(InputError, match="split 'val'"):
        data.Prepared(data.read(prepared).train, [], prepared)
