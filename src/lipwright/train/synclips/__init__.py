"""The layout `synclips`: a generator put together from parts that are chosen, after Vishal-Padia/synclips.

``encoders`` hear and see, ``networks`` put them together and paint, ``windows`` are what they learn from, ``task``
trains them, ``judging`` says how well they do, ``export`` writes them as ONNX.
"""

from lipwright.train.synclips.task import SWITCHES, TRAININGS, SynclipsRecipe, SynclipsTask

__all__ = ["SWITCHES", "TRAININGS", "SynclipsRecipe", "SynclipsTask"]
