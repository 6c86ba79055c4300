"""What is done to a video that is otherwise ready: less shake and flicker, another frame rate, restored faces, grain.

`Finishing` says what is wanted, `finished` makes a lazy Clip of it. The verb ``finish`` does this to any clip and
``dub`` to what it made: a part each in ``shake``, ``calm``, ``pace``, ``timing``, ``restoring`` and ``grain``.
"""

from lipwright.finishing.making import Material, finished
from lipwright.finishing.wishes import NAMES, Finishing

__all__ = ["NAMES", "Finishing", "Material", "finished"]
