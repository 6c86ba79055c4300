"""One recording dubbed in several ways, or several finished videos, side by side: videos, a grid, a table, a page."""

from lipwright.compare.found import Compared, Entry
from lipwright.compare.verb import compare

__all__ = ["Compared", "Entry", "compare"]
