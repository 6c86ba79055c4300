"""What a run shows in TensorBoard: losses, figures, throughput, pictures and clips."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MILLISECONDS = 40
"""A picture of a clip is shown for so long."""


class Scalars:
    """A TensorBoard log in a folder; what an interrupted run wrote from ``step`` on is not shown any more."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step)

    def __enter__(self) -> Scalars:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, side: str, values: dict[str, float], step: int) -> None:
        """Scalars, as ``side/name``."""
        for name, value in values.items():
            self._writer.add_scalar(f"{side}/{name}", value, step)

    def show(self, samples: dict[str, NDArray[np.uint8]], step: int) -> None:
        """Pictures (H, W, 3), and clips (T, H, W, 3), which move."""
        for name, shown in samples.items():
            if shown.ndim == 3:
                self._writer.add_image(name, shown, step, dataformats="HWC")
            else:
                writer = self._writer._get_file_writer()  # type: ignore[no-untyped-call]  # no public way for GIFs
                writer.add_summary(_moving(name, shown), step)

    def tell(self, text: str, step: int) -> None:
        """A note."""
        self._writer.add_text("notes", text, step)


def _moving(name: str, clip: NDArray[np.uint8]) -> object:
    """A clip as a GIF, which TensorBoard shows like a picture."""
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    pictures = [Image.fromarray(picture) for picture in clip]
    held = io.BytesIO()
    pictures[0].save(held, "GIF", save_all=True, append_images=pictures[1:], duration=MILLISECONDS, loop=0)
    high, wide = clip.shape[1:3]
    picture = Summary.Image(height=high, width=wide, colorspace=3, encoded_image_string=held.getvalue())
    return Summary(value=[Summary.Value(tag=name, image=picture)])
