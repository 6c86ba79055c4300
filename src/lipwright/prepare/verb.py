"""Reading a dataset file by file, by several processes, into a prepared folder."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np

from lipwright import locks, registry, runtime, shards, workers as crew
from lipwright.errors import InputError, OutputError
from lipwright.ondisk import AnyArray
from lipwright.prepare import alike, judging, layouts, report as page, splits
from lipwright.prepare.deciding import Limits, Sync, decided
from lipwright.prepare.layouts import LAYOUTS, Layout
from lipwright.prepare.recording import Found, Making, made
from lipwright.types import DataItem, Progress


@dataclass(frozen=True)
class Row:
    """One line of PREPARED/manifest.csv: a recording, or a file that holds none.

    ``offset`` frames by which its sound came early (shifted where kept), ``contrast`` and ``confidence`` as judged
    from the curves of ``judged`` (own, file, speaker; "" = not judged); ``kept`` yes or no, and ``why`` not;
    ``duplicate``, the id of a recording before it that sounds the same; the rest as in
    `lipwright.prepare.recording.Found`.
    """

    id: str
    speaker: str
    split: str
    language: str
    frames: int
    source: str
    file: str
    kept: str
    why: str
    start: float = 0.0
    offset: int = 0
    contrast: float = 0.0
    confidence: float = 0.0
    judged: str = ""
    seen: float = 0.0
    sharpness: float = 0.0
    size: float = 0.0
    yaw: float = 0.0
    loudness: float = 0.0
    silence: float = 0.0
    duplicate: str = ""


Each = tuple[DataItem, list[Found], str]
"""A file, its recordings, and why there are none."""


def prepare(
    dataset: str,
    data: Path,
    out: Path,
    *,
    workers: int | None = None,
    ray: str = "",
    expert: str = "lipsight",
    sync: Sync = "drop",
    confidence: float = Limits.confidence,
    most_offset: int = Limits.most_offset,
    sharpness: float = Limits.sharpness,
    least_face: float = Limits.face,
    yaw: float = Limits.yaw,
    layout: Layout = "ours",
    size: int | None = None,
    report: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Prepare ``data``, laid out as the member ``dataset`` of the family ``datasets`` says, into ``out``.

    What is found of a file is kept in ``out/found`` (resume), so that other limits need no second look at the videos.
    The source is only read. Speakers are parted as `lipwright.prepare.splits` says where the dataset does not.

    Args:
        dataset: a member of the family ``datasets``.
        data: its folder.
        out: the folder to fill.
        workers: processes at work, see `lipwright.workers`; one for each core that may be used, 4 at most, unless told.
        ray: the address of a Ray cluster that works in their place, see `lipwright.cluster`; "" for none.
        expert: the sync expert that judges; one that reads what is prepared.
        sync: what becomes of its judgement, as are the limits after it: see `lipwright.prepare.deciding.Limits`.
        confidence: the least.
        most_offset: frames at 25 fps.
        sharpness: the least.
        least_face: the least width, px.
        yaw: the largest, degrees.
        layout: "ours", "shards" or "wav2lip", see `lipwright.prepare.layouts`.
        size: px, how wide and high faces are: Wav2Lip's, as found where it is None; of our own layout upright lower
            faces in colour, for training generators, and none where it is None.
        report: an HTML page to write, with what was found of each recording.
        progress: called with files done and in all.

    Returns:
        How many recordings were ``kept`` and ``skipped`` (files without any, too), and of those kept how many were
        ``shifted`` and are near-``duplicates``.

    Raises:
        LipwrightError: InputError for a dataset without clips and options that cannot be; WeightsError for an
            expert that may not be believed; OutputError where ``out`` cannot be written.
    """
    limits = Limits(sync, confidence, most_offset, sharpness, least_face, yaw)
    making = Making("" if sync == "off" else expert, layout == "wav2lip", size)
    _check_layout(layout, size)
    _check_rest(making, report, workers)
    items, out = _items(dataset, Path(data), Path(out)), Path(out)
    with _written(out):
        each = _found(items, out / "found", making, runtime.cores() if workers is None else workers, ray, progress)
        rows = _laid(_rows(each, limits, out / "found", making.expert), out, layout)
        return _told(rows, out, report)


def _told(rows: list[Row], out: Path, report: Path | None) -> dict[str, int]:
    """Write down what was decided, and count it."""
    _write(out / "manifest.csv", [f.name for f in fields(Row)], (asdict(row) for row in rows))
    dropped = [{"id": row.id, "why": row.why} for row in rows if row.why]
    _write(out / "skipped.csv", ["id", "why"], dropped)
    if report is not None:
        page.write([asdict(row) for row in rows], report)
    kept = [row for row in rows if not row.why]
    return {
        "kept": len(kept),
        "skipped": len(dropped),
        "shifted": sum(row.offset != 0 for row in kept),
        "duplicates": sum(bool(row.duplicate) for row in kept),
    }


def _items(dataset: str, data: Path, out: Path) -> list[DataItem]:
    """The files of the dataset, each with a split."""
    items = splits.assigned(splits.unique(registry.load("datasets", dataset).items(data)))
    if not items:
        raise InputError(f"no clips were found in {data}, read as a dataset of the kind '{dataset}'")
    if out.resolve() == data.resolve():
        raise InputError(f"{out} is the dataset itself, which is only read; choose another folder for what is prepared")
    return items


def _check_rest(making: Making, report: Path | None, workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise InputError(f"at least one process must be at work; given {workers}")
    if report is not None:
        page.check(report)
    if making.expert:
        judging.expert(making.expert)


def _check_layout(layout: str, size: int | None) -> None:
    if layout not in LAYOUTS:
        raise InputError(f"the layout is {', '.join(LAYOUTS[:-1])} or {LAYOUTS[-1]}; given {layout!r}")
    if size is not None and not 16 <= size <= 1024:
        raise InputError(f"faces are 16 to 1024 px wide and high; given {size}")


@contextmanager
def _written(out: Path) -> Iterator[None]:
    """Hold the folder, and say errors of writing as sentences."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with locks.hold(out, f"another prepare is at work in {out}; end it, or choose another folder"):
            yield
    except (InputError, OutputError):
        raise
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or error}; make room or choose another folder"
        ) from error


def _found(
    items: list[DataItem], folder: Path, making: Making, workers: int, ray: str, progress: Progress | None
) -> list[Each]:
    """Every file with its recordings, in the order of ``items``; the largest are begun first."""
    folder.mkdir(parents=True, exist_ok=True)
    for half in (*folder.glob("*.part"), *folder.glob("*.part.npz")):  # of a run that was killed
        half.unlink()
    task = partial(_one, folder.absolute(), making)
    order = sorted(range(len(items)), key=lambda number: -_size(items[number].path))
    asked = [replace(items[n], path=items[n].path.absolute()) if ray else items[n] for n in order]
    each: dict[int, Each] = {}
    for number, (found, why) in zip(order, crew.spread(task, asked, workers=workers, ray=ray), strict=True):
        each[number] = (items[number], found, why)
        if progress is not None:
            progress(len(each), len(items), "clips")
    return [each[number] for number in range(len(items))]


def _size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _one(folder: Path, making: Making, item: DataItem) -> tuple[list[Found], str]:
    try:
        return made(item, folder, making), ""
    except InputError as error:
        return [], str(error)


def _rows(each: list[Each], limits: Limits, folder: Path, expert: str) -> list[Row]:
    """A line for each recording, and for each file that holds none; decided, but not yet laid out."""
    flat = [(item, one) for item, found, _ in each for one in found]
    opinions = dict(zip((one.id for _, one in flat), _judged(flat, folder, expert), strict=False))
    alike_ = alike.duplicates({one.id: np.array(one.prints, np.uint32) for _, one in flat})
    rows = []
    for item, found, why in each:
        rows += [_row(item, one, opinions.get(one.id), limits, alike_.get(one.id, "")) for one in found]
        if why:
            rows.append(
                Row(item.id, item.speaker, item.split, item.language, 0, item.source, str(item.path), "no", why)
            )
    return rows


def _judged(flat: list[tuple[DataItem, Found]], folder: Path, expert: str) -> list[judging.Opinion]:
    """What the expert thinks of each recording, all others being wrong sounds; nothing without an expert."""
    if not expert:
        return []
    mixed = sorted(flat, key=lambda pair: hashlib.sha256(pair[1].id.encode()).digest())
    voices = judging.Voices((item.id, _kept(folder, one)["heard"]) for item, one in mixed)
    return judging.opinions(
        (judging.curves(expert, item.id, _kept(folder, one), voices), one.frames, item.id, item.speaker)
        for item, one in flat
    )


def _kept(folder: Path, one: Found) -> dict[str, AnyArray]:
    """What an expert made of a recording."""
    with np.load(folder / f"{one.id}.expert.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def _row(item: DataItem, one: Found, heard: judging.Opinion | None, limits: Limits, duplicate: str) -> Row:
    offset, why = decided(one, heard, limits)
    measured = {
        name: getattr(one, name) for name in ("start", "seen", "sharpness", "size", "yaw", "loudness", "silence")
    }
    if heard is not None:
        measured |= {"contrast": round(heard.contrast, 4), "confidence": round(heard.confidence, 2), "judged": heard.of}
        offset = heard.offset if why else offset
    names = (one.id, item.speaker, item.split, item.language, one.frames, item.source, str(item.path))
    return Row(*names, "no" if why else "yes", why, offset=offset, duplicate=duplicate, **measured)


def _laid(rows: list[Row], out: Path, layout: Layout) -> list[Row]:
    """Put what is kept in its place, and take away what is not."""
    found = []
    shards.take_away(out)
    for row in rows:
        place = layouts.place(out, layout, row.id, row.speaker)
        if row.why:
            layouts.take_away(place)
            found.append(row)
        else:
            found.append(replace(row, frames=layouts.lay(out / "found" / f"{row.id}.npz", place, row.offset)))
    if layout == "shards":
        layouts.pack(out, (row.id for row in found if not row.why))
    if layout == "wav2lip":
        layouts.write_lists(out, ((row.split, row.id, row.speaker) for row in found if not row.why))
    return found


def _write(path: Path, names: list[str], rows: Iterable[dict[str, object]] | Iterable[dict[str, str]]) -> None:
    beside = path.with_suffix(".part")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    beside.replace(path)
