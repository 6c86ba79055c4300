"""Whether a video and a sound are fit for dubbing, and whether this computer is; repaired copies where that helps."""

from lipwright.check.found import Checked, Figure, Finding, Repaired
from lipwright.check.verb import check

__all__ = ["Checked", "Figure", "Finding", "Repaired", "check"]
