"""Is a network better than the one it began as? Told on recordings that neither learnt from, and that chose nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

Figures = dict[str, float]


@dataclass(frozen=True)
class Gate:
    """The same figures of four networks: the ``result`` and its ``start`` on the held-out recordings, and to compare
    with, the ``floor``, a network that has learnt nothing, and the ``ceiling``, the result on some of the recordings
    that it learnt from. ``on`` says what was held out."""

    result: Figures
    start: Figures
    floor: Figures
    ceiling: Figures
    on: str

    @property
    def passed(self) -> bool:
        """Whether the result's score is at least its start's."""
        return self.result["score"] >= self.start["score"]

    def words(self) -> str:
        """One sentence."""
        how = (
            "better than"
            if self.result["score"] > self.start["score"]
            else "as good as"
            if self.passed
            else "worse than"
        )
        return (
            f"the result is {how} its start on {self.on}: score {self.result['score']:.4f} in place of "
            f"{self.start['score']:.4f} (untrained {self.floor['score']:.4f}, on what it learnt from "
            f"{self.ceiling['score']:.4f})"
        )

    def figures(self) -> Figures:
        """The four scores by name."""
        named = {"score": self.result, "start": self.start, "untrained": self.floor, "learnt": self.ceiling}
        return {name: each["score"] for name, each in named.items()}

    def write(self, path: Path) -> None:
        """All figures as JSON."""
        said = {**asdict(self), "passed": self.passed, "words": self.words()}
        path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
