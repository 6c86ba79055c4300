"""prepare: a dataset becomes what training reads; what cannot be used is named with the reason."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import drawn
import lipwright
from lipwright import faces
from lipwright.errors import InputError, LipwrightError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn talkers at 30 and 25 fps, one clip without sound, one without a face, one that is not a video."""
    folder = tmp_path_factory.mktemp("dataset")
    for name, fps, seed in (("ann", Fraction(30), 1), ("ben", Fraction(25), 2)):
        clip = drawn.talking(round(2 * fps), fps, seed=seed)
        assert clip.audio is not None
        drawn.write(folder / f"{name}.mp4", clip.read(), fps=fps, audio=clip.audio.samples[None], rate=16000)
    drawn.write(folder / "mute.mp4", drawn.talking(30).read())
    sound = drawn.voice(1.2).samples[None]
    drawn.write(folder / "empty.mp4", (drawn.numbered(1, (320, 240)) for _ in range(30)), audio=sound, rate=16000)
    (folder / "text.mp4").write_text("this is no video")
    rows = [("ann", "train"), ("ben", "val"), ("mute", "train"), ("empty", "train"), ("text", "train")]
    lines = [f"{name}.mp4,{name},{split},en" for name, split in rows]
    (folder / "manifest.csv").write_text("file,speaker,split,language\n" + "\n".join(lines) + "\n")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_clips_are_conformed_tracked_and_cropped(dataset: Path, tmp_path: Path) -> None:
    counts = lipwright.prepare("manifest", dataset, tmp_path, workers=1)
    assert counts == {"kept": 2, "skipped": 3}
    manifest = {row["id"]: row for row in rows(tmp_path / "manifest.csv")}
    assert manifest["ann"]["split"] == "train" and manifest["ben"]["speaker"] == "ben"
    why = {row["id"]: row["why"] for row in rows(tmp_path / "skipped.csv")}
    assert "no sound" in why["mute"] and "no face" in why["empty"] and "text.mp4" in why["text"]
    with np.load(tmp_path / "clips" / "ann.npz", allow_pickle=False) as data:
        assert data["crop"].shape == (50, 48, 64) and data["crop"].dtype == np.uint8
        assert data["motion"].shape == (50, len(faces.canonical().moving), 3)
        assert data["samples"].dtype == np.int16 and abs(len(data["samples"]) - 32000) < 640
        truth = drawn.loudness(np.arange(50) / 25, 2.0, 1)
        assert np.corrcoef(data["opening"], truth)[0, 1] > 0.7
        assert np.abs(np.diff(data["crop"].astype(int), axis=0)).mean() > 0.3


def test_what_is_there_is_kept(dataset: Path, tmp_path: Path) -> None:
    lipwright.prepare("manifest", dataset, tmp_path, workers=1)
    made = (tmp_path / "clips" / "ann.npz").stat().st_mtime_ns
    lipwright.prepare("manifest", dataset, tmp_path, workers=1)
    assert (tmp_path / "clips" / "ann.npz").stat().st_mtime_ns == made


def test_two_workers_do_the_same_and_the_source_is_only_read(dataset: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    seen: list[int] = []
    counts = lipwright.prepare("manifest", dataset, tmp_path, workers=2, progress=lambda d, t, w: seen.append(d))
    assert counts["kept"] == 2 and seen[-1] == 5
    assert before == {path.name: path.read_bytes() for path in dataset.iterdir()}


def test_a_table_that_is_missing_or_lacks_a_column_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest.csv is missing"):
        lipwright.prepare("manifest", tmp_path, tmp_path / "out")
    (tmp_path / "manifest.csv").write_text("file,who\n")
    with pytest.raises(InputError, match="lacks the columns"):
        lipwright.prepare("manifest", tmp_path, tmp_path / "out")
    (tmp_path / "manifest.csv").write_text("file,speaker,split\n")
    with pytest.raises(InputError, match="no clips were found"):
        lipwright.prepare("manifest", tmp_path, tmp_path / "out")


def test_an_unknown_dataset_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(LipwrightError, match="manifest"):
        lipwright.prepare("tapes", tmp_path, tmp_path / "out")
