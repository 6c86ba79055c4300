"""Search for better settings: of a training, or of the measurement.

::

    tune("motion", data="prepared/", out="studies/motion", trials=20)     # studies/motion/best.yaml is a recipe
    tune("measure", data="prepared/", out="studies/measure", trials=100)  # best.yaml is for `measure --settings`

``space`` says what may change, ``study`` keeps the trials, ``training`` and ``verdicts`` are what can be tuned,
``page`` shows what came of it.
"""

from lipwright.tune.verb import tune

__all__ = ["tune"]
