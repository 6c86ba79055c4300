"""prepare on drawn copies of datasets: their folders, their lists, and the kinds of file they are published in."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

import drawn
import lipwright

H264 = {"codec": "libx264", "audio_codec": "aac"}
MPEG1 = {"codec": "mpeg1video", "audio_codec": "mp2", "options": {"b": "2M"}}
FLASH = {"codec": "flv", "audio_codec": "libmp3lame", "options": {"b": "2M"}}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn talker in the kinds of file that the datasets have."""
    folder = tmp_path_factory.mktemp("film")
    clip = drawn.talking(15, rate=44100, seed=2)
    assert clip.audio is not None
    for ending, kinds in (("mp4", H264), ("mpg", MPEG1), ("flv", FLASH)):
        sound = np.stack([clip.audio.samples] * 2)
        drawn.write(folder / f"film.{ending}", clip.read(), audio=sound, **kinds)  # type: ignore[arg-type]
    return folder


LAYOUTS = {
    "lrs2": (
        {
            "mvlrs_v1/main/5535415699068794046/00001.mp4": "train",
            "mvlrs_v1/main/6330311066473698535/00011.mp4": "test",
            "mvlrs_v1/pretrain/5535415699068794046/00007.mp4": None,
        },
        {
            "train.txt": "5535415699068794046/00001\n5535415699068794046/00099\n",
            "test.txt": "6330311066473698535/00011 NF:1\n",
        },
    ),
    "lrs3": (
        {
            "lrs3_v0.4/trainval/0Fi83BHQsMA/00002.mp4": "train",
            "lrs3_v0.4/pretrain/1zsSzMJqFkE/00050.mp4": "val",
            "lrs3_v0.4/test/0ZfSOArXbGQ/00005.mp4": "test",
        },
        {},
    ),
    "grid": ({"s1/video/mpg_6000/bbaf2n.mpg": "train", "s2/bbaf3s.mpg": "val"}, {"s1/align/bbaf2n.align": "0 1 sil\n"}),
    "crema_d": ({"VideoFlash/1001_DFA_ANG_XX.flv": "train", "VideoFlash/1002_IEO_HAP_HI.flv": "val"}, {}),
    "folder": ({"ann/one.mp4": "val", "ben/deep/two.mpg": "train"}, {"ben/notes.txt": "nothing\n"}),
    "manifest": (
        {"films/one.flv": "train", "films/two.mp4": "test", "films/other.mp4": None},
        {"manifest.csv": "file,speaker,split\nfilms/one.flv,ann,train\nfilms/two.mp4,ben,test\n"},
    ),
}


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_every_dataset_is_prepared_as_it_is_published(dataset: str, film: Path, tmp_path: Path) -> None:
    wanted, texts = LAYOUTS[dataset]
    for name, text in texts.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(text)
    for name in wanted:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(film / f"film{Path(name).suffix}", tmp_path / "data" / name)
    counts = lipwright.prepare(
        dataset, tmp_path / "data", tmp_path / "out", workers=1, sync="off", layout="wav2lip", size=96
    )
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    read = {name: split for name, split in wanted.items() if split}
    assert counts["kept"] == len(read)
    kept = {Path(row["file"]).relative_to(tmp_path / "data").as_posix(): row for row in rows if row["kept"] == "yes"}
    assert {name: row["split"] for name, row in kept.items()} == read
    lists = [
        (tmp_path / "out" / "filelists" / f"{split}.txt").read_text().split() for split in ("train", "val", "test")
    ]
    for place in (tmp_path / "out" / "preprocessed" / line for own in lists for line in own):
        assert sorted(int(path.stem) for path in place.glob("*.jpg")) == list(range(15))
        rate, samples = wavfile.read(place / "audio.wav")
        assert rate == 16000 and len(samples) == pytest.approx(15 * 640, abs=1300)
    if dataset == "lrs2":
        (missing,) = [row for row in rows if row["kept"] == "no"]
        assert missing["id"] == "5535415699068794046_00099" and "there is no file" in missing["why"]
