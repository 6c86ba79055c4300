"""Ask people: a study of opinion scores and comparisons, its page, and what the votes say.

``planning`` makes a study's folder, ``design`` says who sees what and when, ``study`` is what was fixed before the
first vote (study.yaml), ``store`` holds raters and votes (study.db), ``app`` and ``pages`` are what raters see,
``results`` is what came of it, ``report`` tells it. Needs the extra ``web``.

>>> from lipwright import survey
>>> survey.plan("study", systems={"real": "real/", "ours": "ours/"})  # doctest: +SKIP
>>> survey.invite("study", 20)  # doctest: +SKIP
>>> survey.serve("study")  # doctest: +SKIP
>>> survey.stats("study").ratings  # doctest: +SKIP
"""

from lipwright.survey.planning import plan
from lipwright.survey.raters import invite, serve
from lipwright.survey.results import stats

__all__ = ["invite", "plan", "serve", "stats"]
