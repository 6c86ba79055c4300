"""prepare: a dataset becomes what training reads; what cannot be used is named with the reason."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

import drawn
import jobs
import lipwright
from lipwright import cli, crops, faces, locks, loudness, media
from lipwright.errors import InputError, LipwrightError, OutputError
from lipwright.prepare import alike, deciding, doctor, judging, layouts, recording, verb
from lipwright.train import data
from lipwright.types import Audio


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
    counts = lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off")
    assert counts == {"kept": 2, "skipped": 3, "shifted": 0, "duplicates": 0}
    manifest = {row["id"]: row for row in rows(tmp_path / "manifest.csv")}
    assert manifest["ann"]["split"] == "train" and manifest["ben"]["speaker"] == "ben"
    why = {row["id"]: row["why"] for row in rows(tmp_path / "skipped.csv")}
    assert "no sound" in why["mute"] and "no face" in why["empty"] and "text.mp4" in why["text"]
    assert (
        manifest["ann"]["kept"] == "yes" and manifest["mute"]["kept"] == "no" and manifest["mute"]["why"] == why["mute"]
    )
    with np.load(tmp_path / "clips" / "ann.npz", allow_pickle=False) as data:
        level = loudness.loudness(Audio(data["samples"].astype(np.float32) / 32768, 16000))
        assert level == pytest.approx(-23, abs=0.2) and float(manifest["ann"]["loudness"]) == pytest.approx(
            -24, abs=0.3
        )
        assert data["crop"].shape == (50, 48, 64) and data["crop"].dtype == np.uint8
        assert data["motion"].shape == (50, len(faces.canonical().moving), 3)
        assert data["samples"].dtype == np.int16 and abs(len(data["samples"]) - 32000) < 640
        truth = drawn.loudness(np.arange(50) / 25, 2.0, 1)
        assert np.corrcoef(data["opening"], truth)[0, 1] > 0.7
        assert np.abs(np.diff(data["crop"].astype(int), axis=0)).mean() > 0.3


def test_what_is_there_is_kept(dataset: Path, tmp_path: Path) -> None:
    lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off")
    made = (tmp_path / "clips" / "ann.npz").stat().st_mtime_ns
    lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off")
    assert (tmp_path / "clips" / "ann.npz").stat().st_mtime_ns == made


def written(out: Path) -> dict[str, bytes]:
    """Every file of a folder, by name."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def alone(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes of the dataset."""
    out = tmp_path_factory.mktemp("alone")
    lipwright.prepare("manifest", dataset, out, workers=1)
    return written(out)


def test_two_workers_write_the_same_bytes_and_the_source_is_only_read(
    dataset: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    before = written(dataset)
    seen: list[int] = []
    lipwright.prepare("manifest", dataset, tmp_path, workers=2, progress=lambda d, t, w: seen.append(d))
    assert seen == [1, 2, 3, 4, 5]
    assert written(tmp_path) == alone
    assert written(dataset) == before


def test_shards_hold_what_lies_beside_them_and_are_read_when_drawn(dataset: Path, tmp_path: Path) -> None:
    ours, packed = tmp_path / "ours", tmp_path / "packed"
    lipwright.prepare("manifest", dataset, ours, workers=1, sync="off")
    lipwright.prepare("manifest", dataset, packed, workers=1, sync="off", layout="shards")
    one, other = data.read(ours), data.read(packed)
    for a, b in zip(one.train + one.val, other.train + other.val, strict=True):
        assert a.id == b.id and len(a) == len(b)
        for name in data.NEEDED:
            assert getattr(a, name).dtype == getattr(b, name).dtype
            assert np.array_equal(getattr(a, name), getattr(b, name))
        assert not b.crop.flags.owndata and not b.crop.flags.writeable
    assert one.train and one.val
    there = doctor.check(packed)
    assert there.recordings == 2 and (packed / "shards" / "index.npz").is_file()
    lipwright.prepare("manifest", dataset, packed, workers=1, sync="off")
    assert not (packed / "shards" / "index.npz").exists()


@pytest.mark.parametrize("how", ["killed", "cut", "gone", "told"])
def test_a_run_that_was_killed_or_lost_a_file_goes_on(
    how: str, dataset: Path, alone: dict[str, bytes], tmp_path: Path
) -> None:
    if how == "killed":
        line = ["prepare", "manifest", dataset, "-o", tmp_path, "--workers", "2"]
        running = subprocess.Popen([sys.executable, "-m", "lipwright", *line], stdout=subprocess.DEVNULL)
        while not list(tmp_path.glob("found/*.json")) and running.poll() is None:
            time.sleep(0.01)
        running.kill()
        assert running.wait() == -signal.SIGKILL
        (tmp_path / "found" / "ann.part.npz").write_bytes(b"half")
    else:
        for name, made in alone.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(made)
        lost = tmp_path / "found" / {"cut": "ann.npz", "gone": "ann.expert.npz", "told": "ann.json"}[how]
        content = lost.read_bytes()
        lost.unlink()
        if how != "gone":
            lost.write_bytes(content[: len(content) // 2])
    lipwright.prepare("manifest", dataset, tmp_path, workers=1)
    assert written(tmp_path) == alone


def test_a_second_shot_does_not_take_the_name_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    one, other = drawn.talking(20, seed=3), drawn.talking(20, seed=4)
    dark = (np.asarray(255 - picture, np.uint8)[:, ::-1] // 3 + 20 for picture in other.read())
    pictures = [*one.read(), *dark, *one.read()]
    for name in ("a", "a-2", "a+2", "a.expert", "a" * 200):
        sound = drawn.voice(2.4, seed=len(name)).samples[None]
        drawn.write(tmp_path / "data" / f"{name}.mp4", pictures, audio=sound, rate=16000)
    lipwright.prepare("folder", tmp_path / "data", tmp_path / "out", workers=1, sync="off", yaw=180)
    found = rows(tmp_path / "out" / "manifest.csv")
    names = [row["id"].lower() for row in found]
    assert len(set(names)) == len(names) >= 10
    for row in found:
        with np.load(tmp_path / "out" / "clips" / f"{row['id']}.npz") as arrays:
            assert len(arrays["present"]) == int(row["frames"])


@pytest.mark.slow
def test_a_cluster_of_two_writes_the_same_bytes(dataset: Path, alone: dict[str, bytes], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason='Ray is not here; it comes with: pip install "lipwright[ray]"')
    lipwright.prepare("manifest", dataset, tmp_path, workers=2, ray="local")
    assert written(tmp_path) == alone


def test_what_ends_a_worker_ends_it_with_a_sentence(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "_one", jobs.lost)
    with pytest.raises(LipwrightError, match=r"ended from outside \(SIGKILL\)"):
        lipwright.prepare("manifest", dataset, tmp_path, workers=2)
    monkeypatch.undo()
    assert lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off")["kept"] == 2


def test_two_at_work_in_one_folder_are_refused_in_a_sentence(dataset: Path, tmp_path: Path) -> None:
    with locks.hold(tmp_path, ""), pytest.raises(InputError, match=f"another prepare is at work in {tmp_path}"):
        lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off")


def test_a_full_disk_is_a_sentence(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "_one", jobs.full)
    with pytest.raises(OutputError, match=f"{tmp_path} cannot be written: No space left on device; make room"):
        lipwright.prepare("manifest", dataset, tmp_path, workers=2)


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


def test_other_limits_need_no_second_look_and_a_changed_file_does(dataset: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(dataset, data)
    lipwright.prepare("manifest", data, out, workers=1, sync="off")
    made = {path.name: path.stat().st_mtime_ns for path in (out / "found").iterdir()}
    counts = lipwright.prepare("manifest", data, out, workers=1, sync="off", least_face=1000)
    assert counts["kept"] == 0 and not list((out / "clips").iterdir())
    assert "px wide; 1000 are needed" in {row["id"]: row["why"] for row in rows(out / "skipped.csv")}["ann"]
    assert lipwright.prepare("manifest", data, out, workers=1, sync="off")["kept"] == 2
    assert made == {path.name: path.stat().st_mtime_ns for path in (out / "found").iterdir()}
    shutil.copy(data / "ann.mp4", data / "mute.mp4")
    counts = lipwright.prepare("manifest", data, out, workers=1, sync="off")
    assert counts["kept"] == 3 and counts["duplicates"] == 1
    assert {row["id"]: row["duplicate"] for row in rows(out / "manifest.csv")}["mute"] == "ann"


def test_a_shot_is_a_recording_of_its_own(tmp_path: Path) -> None:
    one, other = drawn.talking(30, seed=3), drawn.talking(40, seed=4)
    dark = (np.asarray(255 - picture, np.uint8)[:, ::-1] // 3 + 20 for picture in other.read())
    bright = drawn.talking(40, seed=5).read()
    sound = drawn.voice(4.4).samples[None]
    (tmp_path / "data").mkdir()
    pictures = itertools.chain(one.read(), dark, bright)
    drawn.write(tmp_path / "data" / "talk.mp4", pictures, audio=sound, rate=16000)
    counts = lipwright.prepare("folder", tmp_path / "data", tmp_path / "out", workers=1, sync="off", yaw=180)
    found = [(row["id"], float(row["start"])) for row in rows(tmp_path / "out" / "manifest.csv")]
    assert ("talk", 0.0) in found and 2.8 in [start for _, start in found] and counts["kept"] == len(found)
    with np.load(tmp_path / "out" / "clips" / "talk.npz") as data:
        assert len(data["present"]) == 30


def test_long_shots_are_divided_evenly() -> None:
    found = recording.parts([100], 100 + 25 * 150, Fraction(25))
    assert found == [(0, 100), (100, 1350), (1350, 2600), (2600, 3850)]


def embedded(length: int, seed: int, early: int = 0, noise: float = 0.5) -> dict[str, np.ndarray]:
    """Unit vectors of a picture and of its sound, which comes ``early`` frames too soon."""
    random = np.random.default_rng(seed)
    truth, extra = random.normal(size=(length + 40, 32)), random.normal(size=(length, 32))
    seen, heard = truth[20 : 20 + length], truth[20 + early : 20 + early + length] + noise * extra
    return {name: v / np.linalg.norm(v, axis=1, keepdims=True) for name, v in (("seen", seen), ("heard", heard))}


def test_offsets_are_found_with_their_sign_and_strangers_are_not_believed() -> None:
    found = {str(k): embedded(60, k, early) for k, early in enumerate((0, 3, -5, 0))}
    found["4"] = {"seen": found["0"]["seen"], "heard": embedded(60, 9)["heard"]}
    voices = judging.Voices((file, one["heard"]) for file, one in found.items())
    said = [judging.opinion(judging.curves("lipsight", file, one, voices)) for file, one in found.items()]
    assert [one.offset for one in said[:4]] == [0, 3, -5, 0]
    assert min(one.confidence for one in said[:4]) > 2 > said[4].confidence


def test_short_recordings_are_judged_with_those_of_their_speaker() -> None:
    found = {str(k): embedded(14, k, 2, noise=5) for k in range(40)} | {"x": embedded(400, 50)}
    voices = judging.Voices((file, one["heard"]) for file, one in found.items())
    curves = [(judging.curves("lipsight", file, one, voices), 14, file, "ann") for file, one in found.items()]
    alone = [judging.opinion(each[0]) for each in curves[:40]]
    said = judging.opinions(curves[:40])
    right = sum(one.offset == 2 for one in said)
    assert right > sum(one.offset == 2 for one in alone) and right > 30
    assert "speaker" in {one.of for one in said}


def test_without_other_sounds_nothing_is_said(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(dataset / "ann.mp4", tmp_path / "data")
    counts = lipwright.prepare("folder", tmp_path / "data", tmp_path / "out", workers=1)
    assert counts["kept"] == 0
    assert "too few other sounds" in rows(tmp_path / "out" / "skipped.csv")[0]["why"]
    assert lipwright.prepare("folder", tmp_path / "data", tmp_path / "out", workers=1, sync="shift")["kept"] == 1


@pytest.mark.parametrize("offset", [3, -3])
def test_sound_is_moved_and_nothing_is_padded(offset: int) -> None:
    arrays = {"present": np.arange(50), "samples": np.arange(50 * 640)}
    moved = layouts.shifted(arrays, offset)
    assert len(moved["present"]) == 47 and len(moved["samples"]) == 47 * 640
    assert moved["samples"][0] == 640 * (moved["present"][0] - offset)


GOOD = recording.Found("a", 50, 0.0, 1.0, 3.0, 120.0, 5.0, -20.0, 0.1, [])


@pytest.mark.parametrize(
    ("found", "heard", "limits", "shift", "why"),
    [
        ({}, (2, 1.5), {}, 2, ""),
        ({}, (2, 0.9), {}, 0, "not surely in sync: its contrast is 0.90"),
        ({}, (2, 0.9), {"confidence": 0.8}, 2, ""),
        ({}, (2, 0.9), {"sync": "shift"}, 0, ""),
        ({}, (-12, 3.0), {}, 0, "12 frames (480 ms) late; up to 8"),
        ({}, (-12, 3.0), {"most_offset": 14}, -12, ""),
        ({"frames": 12}, (4, 3.0), {}, 4, "less than 0.4 s"),
        ({"seen": 0.5}, (0, 3.0), {}, 0, "50% of its frames"),
        ({"yaw": 70.0}, (0, 3.0), {}, 0, "turned by 70"),
        ({"sharpness": 1.0}, (0, 3.0), {"sharpness": 2.0}, 0, "sharpness is 1.00"),
    ],
)  # fmt: skip
def test_what_is_dropped_says_why(
    found: dict[str, float], heard: tuple[int, float], limits: dict[str, float], shift: int, why: str
) -> None:
    one, opinion = replace(GOOD, **found), judging.Opinion(heard[0], 0.2, heard[1])
    offset, said = deciding.decided(one, opinion, deciding.Limits(**limits))
    assert offset == shift and (why in said if why else said == "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sync": "maybe"}, "given 'maybe'"),
        ({"most_offset": 15}, "0 to 14"),
        ({"least_face": float("nan")}, "0 or more"),
        ({"layout": "tape"}, "given 'tape'"),
        ({"size": 4}, "given 4"),
        ({"layout": "wav2lip", "size": 4}, "given 4"),
        ({"yaw": 0}, "above 0"),
        ({"workers": 0}, "at least one process"),
        ({"expert": "syncnet"}, "syncnet"),
        ({"report": Path("page.txt")}, "end its name in .html"),
    ],
)
def test_options_that_cannot_be_are_sentences(
    options: dict[str, object], said: str, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(LipwrightError, match=said):
        lipwright.prepare("manifest", dataset, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_dataset_is_never_written_to(dataset: Path) -> None:
    with pytest.raises(InputError, match="only read"):
        lipwright.prepare("manifest", dataset, dataset)


def test_the_same_sound_is_known_again_and_another_is_not() -> None:
    voices = [drawn.noise(4.0, level=0.1, seed=seed).samples for seed in range(3)]
    again = np.round(0.3 * voices[0][16100:] * 32767) / 32767
    heard = dict(zip("abcd", map(alike.prints, (*voices, again)), strict=True)) | {
        "quiet": alike.prints(np.zeros(40000))
    }
    assert alike.duplicates(heard) == {"d": "a"}


def test_a_report_shows_every_recording(dataset: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    lipwright.prepare("manifest", dataset, tmp_path / "out", workers=1, sync="off", report=page)
    text = page.read_text(encoding="utf-8")
    assert "2 of 5 recordings were kept" in text and "<td>ann<" in text and "no sound" in text


def test_real_sound_that_was_moved_is_moved_back(footage: Path, tmp_path: Path) -> None:
    data, out, names = tmp_path / "data", tmp_path / "out", ("s005_cf6ff5", "s052_2e5465", "s061_af8054")
    data.mkdir()
    for name in names:
        shutil.copy(footage / "clips" / f"{name}.mp4", data)
    before = lipwright.prepare("folder", data, out, workers=1)
    first = {row["id"]: int(row["offset"]) for row in rows(out / "manifest.csv")}
    clip = media.open(data / f"{names[0]}.mp4")
    late = drawn.shifted(clip.audio, 0.2)
    media.write(clip.with_audio(late), data / f"{names[0]}.mkv")
    (data / f"{names[0]}.mp4").unlink()
    after = lipwright.prepare("folder", data, out, workers=1)
    assert before["kept"] == after["kept"] == 3
    second = {row["id"]: int(row["offset"]) for row in rows(out / "manifest.csv")}
    assert second == first | {names[0]: first[names[0]] - 5}


@pytest.mark.parametrize("size", [None, 96])
def test_wav2lip_finds_what_its_trainers_read(size: int | None, dataset: Path, tmp_path: Path) -> None:
    counts = lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off", layout="wav2lip", size=size)
    assert counts["kept"] == 2
    lists = {split: (tmp_path / "filelists" / f"{split}.txt").read_text() for split in ("train", "val", "test")}
    assert lists == {"train": "ann/ann\n", "val": "ben/ben\n", "test": ""}
    folder = tmp_path / "preprocessed" / "ann" / "ann"
    assert sorted(int(path.stem) for path in folder.glob("*.jpg")) == list(range(50))
    rate, samples = wavfile.read(folder / "audio.wav")
    assert rate == 16000 and abs(len(samples) - 32000) < 640
    picture = cv2.imread(str(folder / "20.jpg"))
    assert picture.shape == (size, size, 3) if size else 100 < picture.shape[0] < 240
    skin = np.median(picture.reshape(-1, 3), axis=0)
    assert skin[2] > skin[0] + 30
    lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off", layout="wav2lip", size=size, least_face=999)
    assert not folder.exists() and (tmp_path / "filelists" / "train.txt").read_text() == ""


@pytest.mark.parametrize("offset", [0, 4, -4])
def test_lower_faces_lie_upright_with_their_mesh(offset: int, dataset: Path, tmp_path: Path) -> None:
    lipwright.prepare("manifest", dataset, tmp_path, workers=1, sync="off", size=96)
    layouts.lay(tmp_path / "found" / "ann.npz", tmp_path / "moved.npz", offset)
    with (
        np.load(tmp_path / "moved.npz", allow_pickle=False) as data,
        np.load(tmp_path / "clips" / "ann.npz", allow_pickle=False) as still,
    ):
        assert data["mesh"].shape == (50 - abs(offset), 468, 2) and len(data["places"]) == len(data["mesh"])
        start, stop = data["places"][20]
        picture = crops.decoded(data["lower"][start:stop])
        first, last = still["places"][20 + max(0, offset)]
        assert np.array_equal(picture, crops.decoded(still["lower"][first:last]))
        mesh = data["mesh"].astype(np.float32)
        eyes = mesh[:, [33, 263]].mean(1)
        assert np.abs(eyes - (47.5, -3.7)).max() < 2.5, "the eyes stand still, just above the picture"
        assert mesh[:, 152, 1].min() > 60 and np.ptp(mesh[:, 14, 1]) > 2, "below them chin and lips, which move"
    lips = np.round(mesh[20, list(faces.OUTER_LIPS)]).astype(int)
    red = picture[..., 0].astype(float) - picture[..., 1]
    assert picture.shape == (96, 96, 3) and red[lips[:, 1], lips[:, 0]].mean() > np.median(red) + 5


@pytest.mark.parametrize("offset", [0, 3, -3])
def test_frames_keep_their_numbers_and_their_sound(offset: int, tmp_path: Path) -> None:
    files = [b"" if frame == 7 else bytes([frame]) for frame in range(20)]
    arrays = {"present": np.ones(20, bool), "samples": np.arange(20 * 640).astype(np.int16)}
    arrays |= {"jpegs": np.frombuffer(b"".join(files), np.uint8), "ends": np.cumsum([len(file) for file in files])}
    np.savez(tmp_path / "a.npz", **arrays)
    layouts.lay(tmp_path / "a.npz", tmp_path / "out" / "a", offset)
    found = {int(path.stem): path.read_bytes() for path in (tmp_path / "out" / "a").glob("*.jpg")}
    rows = [frame for frame in range(max(0, offset), 20 + min(0, offset)) if frame != 7]
    assert found == {frame: bytes([frame]) for frame in rows}
    samples = wavfile.read(tmp_path / "out" / "a" / "audio.wav")[1]
    assert all(samples[frame * 640] == (frame - offset) * 640 for frame in rows)


def prepared(folder: Path, lines: list[dict[str, object]], missing: tuple[str, ...] = ()) -> Path:
    """A prepared folder of recordings that hold nothing but their names."""
    usual = {"frames": 1500, "kept": "yes", "offset": 0, "confidence": 2.0, "judged": "own", "silence": 0.1}
    (folder / "clips").mkdir(parents=True)
    for line in lines:
        if line["id"] not in missing:
            (folder / "clips" / f"{line['id']}.npz").touch()
    names = ["id", "speaker", "split", *usual, "duplicate"]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(usual | {"duplicate": ""} | line for line in lines)
    return folder


def people(count: int, **more: object) -> list[dict[str, object]]:
    """Three minutes of each of so many speakers, the last of them val."""
    return [
        {"id": f"p{n}_{k}", "speaker": f"p{n}", "split": "val" if n == count - 1 else "train"} | more
        for n in range(count)
        for k in range(3)
    ]


def test_a_good_folder_is_worth_a_training(tmp_path: Path) -> None:
    found = doctor.check(prepared(tmp_path / "p", people(12)))
    assert found.worth and not found.issues and found.offsets == {0: 36}
    assert (found.minutes["train"], found.speakers["train"], found.speakers["val"]) == (33.0, 11, 1)
    assert found.text().endswith("a training is worth starting")


@pytest.mark.parametrize(
    ("lines", "code", "severity"),
    [
        (people(12, frames=100), "minutes", "error"),
        (people(11, frames=1000), "minutes", "warning"),
        (people(3, frames=9000), "speakers", "warning"),
        ([{"id": f"a{k}", "speaker": "a", "split": "train" if k else "val"} for k in range(40)], "speakers", "warning"),
        (people(12)[:33], "val", "error"),
        ([*people(12), {"id": "x", "speaker": "p0", "split": "val"}], "leak", "error"),
        ([*people(12), {"id": "x", "speaker": "x", "split": "val", "duplicate": "p0_0"}], "leak", "error"),
        (people(12, judged=""), "sync", "warning"),
        (people(12, confidence=0.5), "sync", "warning"),
        (people(12, silence=0.7), "silence", "warning"),
        (
            [*people(12), *({"id": f"x{k}", "speaker": "p0", "split": "train", "duplicate": "p0_0"} for k in range(5))],
            "duplicates",
            "warning",
        ),
    ],
)
def test_what_speaks_against_a_training_is_said(
    lines: list[dict[str, object]], code: str, severity: str, tmp_path: Path
) -> None:
    found = doctor.check(prepared(tmp_path / "p", lines))
    assert [(issue.code, issue.severity) for issue in found.issues] == [(code, severity)]
    assert found.worth == (severity == "warning") and found.issues[0].message in found.text()


def test_a_folder_that_is_not_whole_is_said(tmp_path: Path) -> None:
    found = doctor.check(prepared(tmp_path / "p", people(12), missing=("p0_0", "p0_1")))
    assert [issue.message for issue in found.issues] == ["2 recordings of the manifest are not there"]
    with pytest.raises(InputError, match="no manifest.csv"):
        doctor.check(tmp_path)
    (tmp_path / "p" / "manifest.csv").write_text("id,speaker,split,frames\na,b,holiday,3\n")
    with pytest.raises(InputError, match="line 2"):
        doctor.check(tmp_path / "p")


@pytest.mark.parametrize("layout", ["ours", "wav2lip"])
def test_the_command_checks_what_it_prepared(
    layout: str, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["prepare", "manifest", str(dataset), "-o", str(tmp_path / "out"), "--sync", "off", "--layout", layout]
    assert cli.main([*line, "--json", "--workers", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 2
    assert cli.main(["prepare", "--check", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recordings"] == 2 and told["worth"] is False
    assert {issue["code"] for issue in told["issues"]} == {"minutes", "speakers", "sync"}
    assert cli.main(["prepare", "--check", str(tmp_path / "out"), "-o", "x"]) == 1
    assert cli.main(["prepare", "manifest"]) == 1
    assert capsys.readouterr().err.count("lipwright: ") == 2
