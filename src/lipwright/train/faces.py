"""Faces and sound as Wav2Lip's trainers read them: ``<id>/<vid>/<frame>.jpg`` and ``audio.wav``, named by file lists.

``lipwright prepare --layout wav2lip`` writes such a folder, and so does Wav2Lip's ``preprocess.py``. What is drawn from
it is drawn as its authors do [Rudrabha/Wav2Lip, hq_wav2lip_train.py]: a recording, two of its pictures, windows of
pictures that follow each of them; whatever is not whole is drawn again. What it takes to make a window is done once:
the mel of a recording and the pictures at their size of training are kept, as far as memory is given.
"""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from lipwright import crops, features, media
from lipwright.errors import InputError, LipwrightError
from lipwright.features import RATE
from lipwright.types import Audio, AudioSpec, Float, Int

FPS = 25
TRIES = 10_000
"""Draws in a row that may find nothing whole."""
NAMED = 3
"""Recordings that a sentence names."""

Pictures = NDArray[np.uint8]
"""uint8 (T, S, S, 3), BGR as the authors' networks see them, or RGB."""
Scaling = Literal["linear", "cubic"]
"""How pictures of another size are resized: as OpenCV does unless told otherwise, or bicubic with antialiasing."""


@dataclass(frozen=True)
class Talk:
    """A recording: its folder, the numbers of its pictures ``frames`` (T,) in order, and whether a window of pictures
    without a gap begins with each, ``whole`` (T,)."""

    name: str
    folder: Path
    frames: Int
    whole: NDArray[np.bool_]


class Kept:
    """What was made once: kept until ``limit`` bytes are full, made anew each time from then on; for many threads."""

    def __init__(self, limit: float) -> None:
        self._limit, self._full, self._lock = limit, 0, threading.Lock()
        self._held: dict[tuple[str, int], NDArray[np.generic] | None] = {}

    def get(self, key: tuple[str, int], make: Callable[[], NDArray[np.generic] | None]) -> NDArray[np.generic] | None:
        """What ``make`` gives for ``key``; None, for what cannot be made, is remembered too."""
        if key in self._held:
            return self._held[key]
        made = make()
        size = 0 if made is None else made.nbytes
        with self._lock:
            if key not in self._held and self._full + size <= self._limit:
                self._held[key] = made
                self._full += size
        return made


class Faces:
    """The recordings of one split.

    Args:
        data: a folder that `lipwright.prepare` made with layout wav2lip, or one of ``<id>/<vid>`` with ``filelists``
            in it or beside it.
        split: train, val or test: which of the file lists.
        window: pictures that are seen at a time.
        size: side of the pictures in pixels.
        shortest: recordings with fewer pictures are left out.
        scaling: how pictures of another size are resized.
        memory: gigabytes that pictures and mels may take.

    Raises:
        InputError: there is no such list, it names what is not there, or nothing in it is long enough.
    """

    def __init__(
        self, data: Path, split: str, *, window: int, size: int, shortest: int, scaling: Scaling, memory: float
    ) -> None:
        root, entries = listed(data, split)
        self.window, self.size, self._scaling = window, size, scaling
        missing = [name for name in entries if not (root / name).is_dir()]
        if missing:
            raise InputError(
                f"{len(missing)} of the {len(entries)} recordings that {split}.txt names are not in {root}, such as "
                f"{', '.join(missing[:NAMED])}; prepare them, or take their lines out"
            )
        found = [_talk(name, root / name, window) for name in entries]
        self.talks = [talk for talk in found if len(talk.frames) >= shortest and talk.whole.any()]
        if not self.talks:
            raise InputError(
                f"none of the {len(entries)} recordings that {split}.txt names has {shortest} pictures, of which "
                f"{window} follow one another without a gap; longer recordings are needed"
            )
        self._kept = Kept(memory * 2**30)

    def draw(self, random: np.random.Generator) -> tuple[Talk, int, int]:
        """A recording and two different pictures of it, all alike: the recording, and the rows of the pictures."""
        talk = self.talks[random.integers(len(self.talks))]
        row = int(random.integers(len(talk.frames)))
        other = int(random.integers(len(talk.frames) - 1))
        return talk, row, other + (other >= row)

    def pictures(self, talk: Talk, row: int) -> list[Pictures] | None:
        """The window of pictures, each uint8 (S, S, 3) BGR, that begins with ``row``; None where it has a gap or one
        cannot be read."""
        if not talk.whole[row]:
            return None
        found = [self._picture(talk, frame) for frame in talk.frames[row : row + self.window]]
        seen = [picture for picture in found if picture is not None]
        return seen if len(seen) == len(found) else None

    def _picture(self, talk: Talk, frame: int) -> Pictures | None:
        return self._kept.get((talk.name, int(frame)), lambda: self._read(talk.folder / f"{frame}.jpg"))  # type: ignore[return-value]

    def _read(self, path: Path) -> Pictures | None:
        content = path.read_bytes()
        return crops.from_jpeg(content, self.size) if self._scaling == "linear" else _cubic(content, self.size)

    def heard(self, talk: Talk, frame: int, spec: AudioSpec) -> Float | None:
        """What is heard at a frame: float32 (steps, bins); None where the sound does not reach."""
        mel = self._kept.get((talk.name, -1), lambda: _mel(talk.folder / "audio.wav"))
        first = first_column(spec, frame)
        if mel is None or first < 0 or first + spec.steps > len(mel):
            return None
        return mel[first : first + spec.steps]  # type: ignore[return-value]


@lru_cache(maxsize=1_000_000)
def first_column(spec: AudioSpec, frame: int) -> int:
    """The first column of a frame's window, as `AudioSpec.first` has it; -1 before the sound begins."""
    return -1 if frame + spec.lead < 0 else spec.first(frame, FPS)


def listed(data: Path, split: str) -> tuple[Path, list[str]]:
    """The folder that holds ``<id>/<vid>``, and what ``filelists/<split>.txt`` names in it: the first word of each
    line.

    Raises:
        InputError: there is no such folder or list, or the list is empty.
    """
    if not data.is_dir():
        raise InputError(f"there is no folder {data}; make it with: lipwright prepare DATASET --layout wav2lip")
    root = data / "preprocessed" if (data / "preprocessed").is_dir() else data
    lists = next((place / "filelists" for place in (data, data.parent) if (place / "filelists").is_dir()), None)
    if lists is None or not (lists / f"{split}.txt").is_file():
        raise InputError(
            f"{data} has no filelists/{split}.txt in it or beside it, which names <id>/<vid> a line; "
            "`lipwright prepare DATASET --layout wav2lip` writes it"
        )
    lines = (lists / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.split()[0] for line in lines if line.strip()]
    if not entries:
        raise InputError(f"{lists / f'{split}.txt'} names no recording; without any, nothing can be trained or judged")
    return root, entries


def _talk(name: str, folder: Path, window: int) -> Talk:
    numbers = [path.stem for path in folder.iterdir() if path.suffix == ".jpg"]
    strange = [number for number in numbers if not number.isdecimal()]
    if strange:
        raise InputError(f"{folder / strange[0]}.jpg is not named by the number of its frame, such as 0.jpg")
    frames = np.array(sorted(map(int, numbers)), np.int64)
    whole = np.zeros(len(frames), bool)
    last = len(frames) - window + 1
    if last > 0:
        whole[:last] = frames[window - 1 :] - frames[:last] == window - 1
    return Talk(name, folder, frames, whole)


def _mel(path: Path) -> Float | None:
    """Wav2Lip's mel of a file, float32 (columns, 80); None for a file that cannot be read."""
    try:
        return np.ascontiguousarray(features.mel(_sound(path)).T)
    except LipwrightError:
        return None


def _sound(path: Path) -> Audio:
    """A sound at 16 kHz; one of 16 bits that is so already is read without a decoder."""
    try:
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2):
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                return Audio(samples.astype(np.float32) / np.float32(32768), RATE)
    except (OSError, EOFError, wave.Error):
        pass
    return media.resample(media.open_audio(path), RATE)


def _cubic(content: bytes, size: int) -> Pictures | None:
    """A picture file as uint8 (S, S, 3) BGR, resized as torchvision's bicubic with antialiasing."""
    found = crops.from_jpeg(content)
    if found is None or found.shape[:2] == (size, size):
        return found
    planes = torch.from_numpy(found).permute(2, 0, 1)[None].float()
    shrunk = F.interpolate(planes, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return shrunk[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
