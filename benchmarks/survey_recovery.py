"""How often does a survey find the true order of three systems, and do its intervals hold what they say?

python benchmarks/survey_recovery.py [--studies 200]

Raters of known taste: each has a bias (sd 0.5) and a scatter (0.7), each clip and each clip of a system an effect of
its own (0.3, 0.15); votes are rounded to 1 to 5. Eight clips; a rater rates 12 of 24 videos and compares 8 of 24
pairs, by the lists of `lipwright.survey.design`. The floor is a gap of 0, where any of six orders is as good (17 %);
the ceiling is raters who neither scatter nor differ. Beside our interval of a mean (Student, over raters) stands the
usual one, 1.96 s / sqrt(votes), which takes votes of one rater for those of many.
"""

from __future__ import annotations

import argparse

import numpy as np

from lipwright.survey import design
from lipwright.survey.results import comparing, rating

CLIPS, SYSTEMS = 8, ("a", "b", "c")
BIAS, SCATTER, CLIP, OWN, UNSURE = 0.5, 0.7, 0.3, 0.15, 0.4


def taste(raters: int, gap: float, random: np.random.Generator, steady: bool) -> np.ndarray:
    """What each rater would say of each video, before rounding: (raters, clips, systems)."""
    quality = 3.0 + gap * np.array([1.0, 0, -1])
    clips = random.normal(0, CLIP, (CLIPS, 1)) + random.normal(0, OWN, (CLIPS, len(SYSTEMS)))
    clips -= clips.mean(0)  # the clips are taken as they are: their effect is part of the truth
    own = random.normal(0, BIAS, (raters, 1, 1)) + random.normal(0, SCATTER, (raters, CLIPS, len(SYSTEMS)))
    return quality + clips + (0 * own if steady else own)


def rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 1, 5)


def votes(said: np.ndarray, plan: design.Design) -> tuple[np.ndarray, np.ndarray]:
    """The ratings and preferences that the lists ask of each rater."""
    asked, wins = np.full(said.shape, np.nan), np.zeros((len(said), len(SYSTEMS), len(SYSTEMS)))
    for rater in range(len(said)):
        for clip, system in design.rated(plan, rater):
            asked[rater, clip, system] = rounded(said[rater, clip, system])
        for clip, one, two in design.compared(plan, rater):
            lead = said[rater, clip, one] - said[rater, clip, two]
            share = 0.5 if abs(lead) < UNSURE else float(lead > 0)
            wins[rater, one, two] += share
            wins[rater, two, one] += 1 - share
    return asked, wins


def study(raters: int, gap: float, seed: int, steady: bool) -> dict[str, float]:
    random = np.random.default_rng(seed)
    plan = design.Design(CLIPS, len(SYSTEMS), 12, 8, seed)
    many = 4000
    said = taste(raters + many, gap, random, steady)
    truth = rounded(said[raters:]).mean((0, 1))
    asked, wins = votes(said[:raters], plan)
    rated, compared = rating("sync", SYSTEMS, asked), comparing("sync", SYSTEMS, wins, [])
    means = [score.mean for score in rated.scores]
    usual = 1.96 * np.nanstd(asked, axis=(0, 1), ddof=1) / np.sqrt(np.isfinite(asked).sum((0, 1)))
    centres = np.nanmean(asked, axis=(0, 1))
    return {
        "order": float(np.all(np.diff([m.value for m in means]) < 0)),
        "preferred": float(np.all(np.diff([s.strength.value for s in compared.strengths]) < 0)),
        "ours": float(np.mean([m.low <= t <= m.high for m, t in zip(means, truth, strict=True)])),
        "usual": float(np.mean(np.abs(centres - truth) <= usual)),
        "told": float(any(d.p < 0.05 for d in rated.differences)),
        "told by pairs": float(any(d.p < 0.05 for d in compared.differences)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--studies", type=int, default=200)
    given = parser.parse_args()
    print("                     order found, %        truth inside 95 %, %    any difference told, %")
    print("raters  gap         by means  by pairs      ours     usual          ratings    pairs")
    for raters in (10, 30):
        for gap, steady in ((0.0, False), (0.2, False), (0.4, False), (0.4, True)):
            found = [study(raters, gap, seed, steady) for seed in range(given.studies)]
            mean = {name: 100 * np.mean([each[name] for each in found]) for name in found[0]}
            inside = "      -         -" if steady else f"{mean['ours']:7.1f} {mean['usual']:9.1f}"
            told = f"{mean['told']:14.1f} {mean['told by pairs']:8.1f}"
            name = f"{raters:6}  {gap:.1f} {'steady' if steady else '      '}"
            print(f"{name} {mean['order']:9.1f} {mean['preferred']:9.1f}   {inside}   {told}", flush=True)


if __name__ == "__main__":
    main()
