"""LRS2 (Afouras et al., "Deep Audio-Visual Speech Recognition", 2018): ``mvlrs_v1/main/<id>/<5 digits>.mp4``.

The folder may be the one above ``mvlrs_v1``, ``mvlrs_v1`` or ``main``. The splits are those of the file lists
``train.txt``, ``val.txt`` and ``test.txt`` (``<id>/<5 digits>``, then anything), beside them or in ``filelists``; only
clips that they name are taken. As in Wav2Lip, ``main`` is read, not ``pretrain``. An ``<id>`` is a programme, which
stands for the speaker: who speaks is not published.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lipwright.datasets._walk import lists, videos
from lipwright.errors import InputError
from lipwright.types import DataItem


def items(data: Path) -> Iterator[DataItem]:
    """The clips of the lists, also those missing on the disk; all clips, without splits, where there is no list."""
    main = next((f for f in (data / "mvlrs_v1" / "main", data / "main", data) if f.is_dir()), data)
    known = lists(data, data / "mvlrs_v1", main.parent, main)
    clips = known or dict.fromkeys((f"{path.parent.name}/{path.stem}" for path in videos(main)), "")
    for clip, split in sorted(clips.items()):
        speaker, _, number = clip.rpartition("/")
        if not (speaker and number) or ".." in speaker:
            raise InputError(f"a list of {data} names {clip!r}; LRS2 names its clips <id>/<number>")
        yield DataItem(f"{speaker}_{number}", main / speaker / f"{number}.mp4", speaker, split, "en", "LRS2")
