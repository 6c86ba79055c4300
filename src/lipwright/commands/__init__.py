"""What each verb takes on the command line, and how it answers: a file a verb; ``cli`` runs them and prints.

Options left out are not passed on, so that defaults stand in one place, the verb's function. Nothing heavy is
imported before a verb runs.
"""

from __future__ import annotations

from lipwright.commands import (
    check,
    compare,
    demo,
    dub,
    finish,
    measure,
    models,
    prepare,
    repair,
    serve,
    speak,
    survey,
    train,
    tune,
    visemes,
    wav2lip,
)
from lipwright.commands.answering import Answer, Verb

__all__ = ["VERBS", "Answer", "Verb"]

VERBS = {
    "check": check.VERB,
    "dub": dub.VERB,
    "wav2lip": wav2lip.VERB,
    "finish": finish.VERB,
    "measure": measure.VERB,
    "compare": compare.VERB,
    "repair": repair.VERB,
    "speak": speak.VERB,
    "visemes": visemes.VERB,
    "prepare": prepare.VERB,
    "train": train.VERB,
    "tune": tune.VERB,
    "survey": survey.VERB,
    "models": models.VERB,
    "serve": serve.VERB,
    "demo": demo.VERB,
}
"""In the order in which the help names them."""
