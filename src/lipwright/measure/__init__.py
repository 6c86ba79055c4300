"""Measure how well the lips in a video match its voice, and how good the picture is.

`measure` gives a `Measured`; ``report`` makes a page of it, ``lists`` scores lists of files.
"""

from lipwright.measure.found import Judged, Measured, Problem
from lipwright.measure.verb import measure

__all__ = ["Judged", "Measured", "Problem", "measure"]
