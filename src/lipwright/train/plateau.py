"""Tells of a loss that stands where chance would have it, and what to try: the commonest way a sync training fails."""

from __future__ import annotations

from statistics import fmean

NEAR = 0.02
"""A loss within this share of chance has learnt nothing."""

REMEDIES = (
    "see with `lipwright prepare --check` whether sound and picture belong together (the histogram of offsets), give "
    "--offsets of a crossfit, train on more speakers, make the batch larger (clips), or try a rate three times lower "
    "or higher"
)


class Plateau:
    """Watches losses that begin at ``chance`` (by name); speaks once every ``patience`` steps of standing there."""

    def __init__(self, chance: dict[str, float], patience: int) -> None:
        self._chance, self._patience = chance, patience
        self._recent: dict[str, list[float]] = {name: [] for name in chance}

    def told(self, losses: dict[str, float], step: int) -> str:
        """A sentence where a loss has stood at chance, mean over ``patience`` steps, or ""."""
        for name, level in self._chance.items():
            recent = self._recent[name]
            recent.append(losses[name])
            if len(recent) < self._patience:
                continue
            mean = fmean(recent)
            recent.clear()
            if mean > level * (1 - NEAR):
                return (
                    f"at step {step} the loss {name} has stood at {mean:.3f} for {self._patience} steps, where chance "
                    f"is {level:.3f}: nothing was learnt; {REMEDIES}"
                )
        return ""
