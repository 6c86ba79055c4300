"""Calibration: an expert's numbers are believed as far as was measured, and the measure itself is right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import drawn
from lipwright import calibrate as calibration, cli, registry
from lipwright.errors import InputError, WeightsError
from lipwright.experts import lipsight
from lipwright.registry import Calibration
from lipwright.types import FaceTrack
from test_experts import mesh


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def imported(cache: Path) -> str:
    """The tiny SyncNet as if a user had imported it as "mine"."""
    (cache / "imported").mkdir(parents=True)
    for side in ("video", "audio"):
        content = registry.path(f"syncnet_tiny_{side}").read_bytes()
        (cache / "imported" / f"mine_{side}.onnx").write_bytes(content)
        card = registry.card(f"syncnet_tiny_{side}")
        lines = {"what": "x", "file": f"mine_{side}.onnx", "sha256": card.sha256, "size": card.size, "licence": "x"}
        registry.write_card(cache / "imported" / f"mine_{side}.yaml", lines | {"member": "syncnet"})
    return "mine"


@pytest.fixture
def footage_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two drawn talks; the face is where it was drawn."""
    folder = tmp_path / "footage"
    folder.mkdir()
    for seed in (0, 1):
        clip = drawn.talking(60, seed=seed)
        drawn.write(folder / f"talk{seed}.mp4", clip.read(), audio=clip.audio.samples[None], rate=16000)
    drawn.write(folder / "mute.mp4", drawn.talking(12).read())
    points = np.repeat(mesh()[None], 60, axis=0)
    track = FaceTrack(0, calibration.faces.boxes(points), points, np.ones(60, np.float32))
    monkeypatch.setattr(calibration.faces, "track", lambda clip: track)
    return folder


def test_auc_and_threshold_are_those_of_the_distances() -> None:
    random = np.random.default_rng(0)
    near, far = random.normal(1.0, 0.2, 1000), random.normal(1.4, 0.2, 5000)
    found = calibration.judged(near, far, 3, "x")
    assert found.auc == pytest.approx((near[:, None] < far[None]).mean(), abs=1e-4)
    assert found.threshold == pytest.approx(1.2, abs=0.02)
    assert (found.near, found.far, found.clips, found.shift) == (1000, 5000, 3, 5)
    assert calibration.judged(near, near, 1, "x").auc == pytest.approx(0.5)


def test_what_is_measured_is_kept_in_the_card_and_asked_for(
    imported: str, footage_of_one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expert = calibration.load(imported)
    with pytest.raises(WeightsError, match="mine was never calibrated"):
        expert.calibrated()
    assert cli.main(["models", "calibrate", imported, "--data", str(footage_of_one), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["stored"] and said["clips"] == 2  # the mute one has nothing to compare
    kept = registry.card("mine_video").calibration
    assert kept is not None and kept.auc == said["auc"] and kept.far > 10 * kept.near > 0
    assert registry.verify("mine_video")
    if kept.auc < 0.6:  # an untrained network
        with pytest.raises(WeightsError, match="cannot tell sound in sync from sound 5 frames off"):
            expert.calibrated()


def test_the_shipped_expert_is_calibrated_and_its_card_is_left_alone() -> None:
    found = lipsight.Expert().calibrated()
    assert found.auc >= 0.75 and found.clips >= 30
    with pytest.raises(InputError, match="a part of lipwright"):
        registry.calibrate("lipsight", Calibration(0.9, 1, 5, 1, 1, 1))


def test_offsets_of_clips_are_taken_out(tmp_path: Path, footage_of_one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.ones((50, 31), np.float32)
    rows[:, 15 + 3] = 0.1
    monkeypatch.setattr(calibration, "_rows", lambda expert, path: rows)
    (tmp_path / "offsets.csv").write_text("clip,offset\ntalk0,3\ntalk1,3\nmute,3\n")
    right = calibration.calibrate("syncnet_tiny", footage_of_one, offsets=tmp_path / "offsets.csv")
    assert right.auc == 1.0 and right.near == 150
    assert calibration.calibrate("syncnet_tiny", footage_of_one).auc == pytest.approx(0.5)


def test_footage_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, imported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="there is no video in"):
        calibration.calibrate(imported, tmp_path / "nowhere")
    drawn.write(tmp_path / "cache" / "mute.mp4", drawn.talking(12).read())
    with pytest.raises(InputError, match="has both a face and a sound"):
        calibration.calibrate(imported, tmp_path / "cache")
    assert cli.main(["models", "calibrate", imported]) == 1
    assert "lipwright models calibrate NAME --data FOLDER" in capsys.readouterr().err
