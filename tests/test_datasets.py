"""Datasets: every layout is read as its authors publish it, and speakers are parted the same way every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipwright import registry
from lipwright.errors import InputError
from lipwright.prepare import splits
from lipwright.types import DataItem


def laid(folder: Path, *names: str) -> Path:
    """Empty files of these names in a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def read(member: str, folder: Path) -> list[DataItem]:
    return list(registry.load("datasets", member).items(folder))


def told(items: list[DataItem]) -> list[tuple[str, str, str]]:
    return [(item.id, item.speaker, item.split) for item in items]


@pytest.mark.parametrize("member", sorted(set(registry.members("datasets"))))
def test_every_member_refuses_what_is_no_folder(member: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"):
        read(member, tmp_path / "none")


@pytest.mark.parametrize("member", ["grid", "crema_d", "lrs3"])
def test_another_layout_is_a_sentence(member: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not laid out as"):
        read(member, laid(tmp_path, "holiday/beach.mp4"))


def test_folder_takes_any_tree(tmp_path: Path) -> None:
    laid(tmp_path, "ann/one.MP4", "ann/deep/two.mov", "ben smith/one.mkv", "solo.avi", "ann/notes.txt", ".cache/x.mp4")
    assert told(read("folder", tmp_path)) == [
        ("ann_deep_two", "ann", ""),
        ("ann_one", "ann", ""),
        ("ben_smith_one", "ben_smith", ""),
        ("solo", "solo", ""),
    ]


@pytest.mark.parametrize("where", ["", "mvlrs_v1", "mvlrs_v1/main"])
def test_lrs2_from_any_of_its_folders(where: str, tmp_path: Path) -> None:
    laid(tmp_path, "mvlrs_v1/main/553/00001.mp4", "mvlrs_v1/main/553/00001.txt", "mvlrs_v1/pretrain/553/00009.mp4")
    assert told(read("lrs2", tmp_path / where)) == [("553_00001", "553", "")]


@pytest.mark.parametrize("beside", ["", "filelists", "mvlrs_v1", "mvlrs_v1/main"])
def test_lrs2_takes_what_its_lists_name(beside: str, tmp_path: Path) -> None:
    laid(tmp_path, *(f"mvlrs_v1/main/{clip}.mp4" for clip in ("553/00001", "553/00002", "554/00001")))
    (tmp_path / beside).mkdir(exist_ok=True)
    (tmp_path / beside / "train.txt").write_text("553/00001\n553/00007\n\n")
    (tmp_path / beside / "test.txt").write_text("554/00001 NF MV\n")
    found = read("lrs2", tmp_path)
    assert told(found) == [("553_00001", "553", "train"), ("553_00007", "553", "train"), ("554_00001", "554", "test")]
    assert [item.path.is_file() for item in found] == [True, False, True]


def test_lists_that_disagree_or_are_no_text_are_sentences(tmp_path: Path) -> None:
    laid(tmp_path, "main/1/00001.mp4")
    (tmp_path / "train.txt").write_text("1/00001\n")
    (tmp_path / "val.txt").write_text("1/00001\n")
    with pytest.raises(InputError, match="one split"):
        read("lrs2", tmp_path)
    (tmp_path / "val.txt").write_text("00001\n")
    with pytest.raises(InputError, match="<id>/<number>"):
        read("lrs2", tmp_path)
    (tmp_path / "val.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="no UTF-8"):
        read("lrs2", tmp_path)


def test_lrs3_has_a_test_split_and_no_other(tmp_path: Path) -> None:
    laid(tmp_path, "pretrain/aa/00001.mp4", "trainval/aa/50001.mp4", "test/bb/00001.mp4")
    assert told(read("lrs3", tmp_path)) == [
        ("pretrain_aa_00001", "aa", ""),
        ("trainval_aa_50001", "aa", ""),
        ("test_bb_00001", "bb", "test"),
    ]


def test_grid_takes_each_sentence_once(tmp_path: Path) -> None:
    laid(tmp_path, "s1/bbaf2n.mpg", "s1/video/big/bbaf2n.mpg", "video/s34/lwbz9s.mpg", "s35/x.mpg", "other/y.mpg")
    (tmp_path / "s1/video/big/bbaf2n.mpg").write_bytes(b"more")
    found = read("grid", tmp_path)
    assert told(found) == [("s1_bbaf2n", "s1", ""), ("s34_lwbz9s", "s34", "")]
    assert found[0].path == tmp_path / "s1/video/big/bbaf2n.mpg"


def test_crema_d_reads_its_names(tmp_path: Path) -> None:
    laid(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv", "mp4/1001_DFA_ANG_XX.mp4", "1091_IEO_HAP_HI.mp4", "readme.mp4")
    found = read("crema_d", tmp_path)
    assert told(found) == [("1091_IEO_HAP_HI", "1091", ""), ("1001_DFA_ANG_XX", "1001", "")]
    assert found[0].source == "CREMA-D HAP HI"


@pytest.mark.parametrize(("row", "said"), [("/etc/x.mp4", "inside"), ("../x.mp4", "inside"), ("", "inside")])
def test_manifest_keeps_to_its_folder(row: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(f"file,speaker,split\n{row},ann,train\n")
    with pytest.raises(InputError, match=f"line 2: .*{said}"):
        read("manifest", tmp_path)
    (tmp_path / "manifest.csv").write_text("file,speaker,split\na.mp4,ann,training\n")
    with pytest.raises(InputError, match="'training'"):
        read("manifest", tmp_path)


def item(speaker: str, number: int, split: str = "") -> DataItem:
    return DataItem(f"{speaker}_{number}", Path(f"{speaker}/{number}.mp4"), speaker, split)


def sides(items: list[DataItem]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in splits.assigned(items):
        found.setdefault(each.split, set()).add(each.speaker)
    return found


def test_a_table_of_a_spreadsheet_is_read_and_one_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("\ufefffile,speaker,split\na.mp4,zoë,val\n", encoding="utf-8")
    assert [item.speaker for item in registry.load("datasets", "manifest").items(tmp_path)] == ["zoë"]
    (tmp_path / "manifest.csv").write_text("file,speaker,split\na.mp4,zoë,val\n", encoding="latin-1")
    with pytest.raises(InputError, match="no table in UTF-8 .*; save it as CSV"):
        list(registry.load("datasets", "manifest").items(tmp_path))


def test_speakers_are_parted_the_same_way_in_any_order() -> None:
    items = [item(f"p{n}", k) for n in range(20) for k in range(3)]
    parted = sides(items)
    assert parted == sides(items[::-1])
    assert {split: len(speakers) for split, speakers in parted.items()} == {"train": 16, "val": 2, "test": 2}
    assert not parted["train"] & parted["val"] and not parted["val"] & parted["test"]


@pytest.mark.parametrize(("speakers", "found"), [(2, {"train", "val"}), (3, {"train", "val", "test"})])
def test_few_speakers_fill_as_many_splits_as_they_can(speakers: int, found: set[str]) -> None:
    assert set(sides([item(f"p{n}", k) for n in range(speakers) for k in range(4)])) == found


def test_one_speaker_is_parted_by_clips() -> None:
    counts = [each.split for each in splits.assigned([item("solo", k) for k in range(30)])]
    assert (counts.count("val"), counts.count("test")) == (3, 3)


def test_what_the_dataset_says_stays_and_its_speakers_are_not_torn() -> None:
    known = [item("tess", 0, "test"), item("tess", 1)]
    parted = sides(known + [item(f"p{n}", 0) for n in range(10)])
    assert parted["test"] == {"tess"} and len(parted["val"]) == 1 and "tess" not in parted["train"]


def test_two_clips_of_one_name_get_two_ids() -> None:
    one, other = DataItem("a_b", Path("a/b.mp4"), "a", ""), DataItem("a_b", Path("a_b.mp4"), "b", "")
    first, second = splits.unique([one, other])
    assert first.id == "a_b" and second.id.startswith("a_b_") and splits.unique([one, other])[1] == second
