"""Weights of losses that change while a training runs, and are kept with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class SyncWeight:
    """Wav2Lip's weight of the sync loss: 0 until a validation's sync loss is below ``below``, ``wanted`` from then on.

    [Rudrabha/Wav2Lip, hq_wav2lip_train.py: 0.03 below 0.75; wav2lip_train.py: 0.01.] The original begins at 0 again
    when a training is resumed; this one is a part of the checkpoint.
    """

    def __init__(self, wanted: float, below: float) -> None:
        self.wanted, self.below, self.value = wanted, below, 0.0

    def setup(self, fabric: Fabric) -> None:
        """It is a number, and lies on no device."""

    def after_step(self, step: int) -> dict[str, float]:  # noqa: ARG002
        """It changes at validations only; ``sync_weight`` is shown."""
        return {"sync_weight": self.value}

    def after_validation(self, figures: dict[str, float]) -> None:
        """Look at ``sync``."""
        if figures["sync"] < self.below:
            self.value = self.wanted

    def state_dict(self) -> dict[str, Any]:
        """The weight as it is now."""
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.value = float(state["value"])
