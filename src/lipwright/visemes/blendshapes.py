"""ARKit's 52 blendshapes from what the lips do (`lipwright.lips`) or from a face mesh.

ARKit names faces from the person's own side: ``Left`` is the person's left, the picture's right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipwright import faces
from lipwright.types import Float

NAMES = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
    "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 coefficients, in the order in which ARKit's own recordings write them."""

WIDEST = 0.2
"""Inner-lip opening, in eye distances, that counts as wide open; people reach 0.16 in 3 of 100 frames of talk."""
_CORNERS = (291, 61)  # the person's left, right
_LIDS = ((386, 374), (159, 145))
_BROWS = ((334, 300), (105, 70))
_INNER_BROWS = (336, 107)
_CHIN = 152


def of_lips(curve: Float) -> Float:
    """The blendshapes of `lips.curves` float32 (T, 6): float32 (T, 52), 0-1; of eyes and brows nothing is known: 0."""
    opening, rounding, spread, closed, teeth, tongue = curve.T
    values = {
        "jawOpen": 0.7 * opening,
        "mouthFunnel": rounding * np.clip(2.5 * opening, 0, 1) * 0.8,
        "mouthPucker": rounding * (1 - np.clip(2.5 * opening, 0, 0.8)),
        "mouthRollLower": np.maximum(0.3 * closed, 0.7 * teeth),
        "mouthRollUpper": 0.3 * closed,
        "mouthShrugUpper": 0.3 * teeth,
        "tongueOut": 0.2 * tongue,
    }
    for side in ("Left", "Right"):
        values[f"mouthPress{side}"] = 0.6 * closed
        values[f"mouthStretch{side}"] = 0.5 * spread
        values[f"mouthSmile{side}"] = 0.2 * spread
        values[f"mouthLowerDown{side}"] = 0.4 * opening
        values[f"mouthUpperUp{side}"] = np.maximum(0.25 * opening, 0.4 * teeth)
    return _table(values, len(curve))


def of_mesh(shape: Float) -> Float:
    """The blendshapes of meshes with the pose taken out, float32 (T, 468, 3) eye distances, NaN where no face is:
    float32 (T, 52), 0-1, against this person's own face at rest; a frame without the face is at rest.

    The rest is the median of the frames in which the mouth is open by less than that of most. What a mesh cannot show
    (tongue, teeth, gaze, puffed cheeks) stays 0.
    """
    seen = np.isfinite(shape[:, 0, 0])
    if not seen.any():
        return np.zeros((len(shape), len(NAMES)), np.float32)
    known = np.where(seen[:, None, None], shape, 0)
    gap = faces.opening(known)
    calm = seen & (gap <= np.quantile(gap[seen], 0.3))
    rest = np.median(known[calm], axis=0)
    return _table(_measured(known - rest, known, rest, gap), len(shape)) * seen[:, None]


def _measured(move: Float, shape: Float, rest: Float, gap: Float) -> dict[str, Float]:
    """Each blendshape from how far vertices moved from ``rest`` (468, 3); x right, y down."""
    closed_gap = float(faces.opening(rest[None])[0])
    jaw = _unit(move[:, _CHIN, 1], 0.35)
    open_lips = _unit(gap - closed_gap, WIDEST)
    wide = np.linalg.norm(shape[:, _CORNERS[0]] - shape[:, _CORNERS[1]], axis=1)
    usual = float(np.linalg.norm(rest[_CORNERS[0]] - rest[_CORNERS[1]]))
    narrow, broad = _unit(1 - wide / usual, 0.3), _unit(wide / usual - 1, 0.25)
    sideways = move[:, list(_CORNERS), 0].mean(1, dtype=np.float32)
    values = {
        "jawOpen": np.maximum(jaw, 0.6 * open_lips),
        "mouthClose": np.clip(jaw - open_lips, 0, 1),
        "mouthFunnel": narrow * np.clip(2 * open_lips, 0, 1),
        "mouthPucker": narrow * np.clip(1 - 2 * open_lips, 0, 1),
        "mouthLeft": _unit(sideways, 0.1),
        "mouthRight": _unit(-sideways, 0.1),
        "browInnerUp": _unit(-move[:, list(_INNER_BROWS), 1].mean(1), 0.08),
    }
    for k, side in enumerate(("Left", "Right")):
        values |= _one_side(side, k, move, shape, broad, open_lips)
    return values


def _one_side(side: str, k: int, move: Float, shape: Float, broad: Float, open_lips: Float) -> dict[str, Float]:
    corner_up = -move[:, _CORNERS[k], 1]
    upper, lower = _LIDS[k]
    lid = np.linalg.norm(shape[:, upper] - shape[:, lower], axis=1)
    usual = float(np.quantile(lid[lid > 0], 0.6)) if (lid > 0).any() else 1.0
    brow = -move[:, list(_BROWS[k]), 1]
    return {
        f"eyeBlink{side}": np.clip((1 - lid / usual - 0.15) / 0.55, 0, 1),
        f"eyeWide{side}": _unit(lid / usual - 1.1, 0.4),
        f"mouthSmile{side}": _unit(corner_up, 0.12),
        f"mouthFrown{side}": _unit(-corner_up - 0.4 * np.maximum(move[:, _CHIN, 1], 0), 0.1),
        f"mouthStretch{side}": broad,
        f"mouthLowerDown{side}": 0.5 * open_lips,
        f"mouthUpperUp{side}": _unit(-move[:, 0, 1], 0.08),
        f"browDown{side}": _unit(-brow.mean(1), 0.08),
        f"browOuterUp{side}": _unit(brow[:, 1], 0.1),
    }


def _unit(value: NDArray[np.floating[Any]], full: float) -> Float:
    """0-1, reached at ``full``."""
    return np.asarray(np.clip(value / full, 0, 1), np.float32)


def _table(values: dict[str, Float], length: int) -> Float:
    table = np.zeros((length, len(NAMES)), np.float32)
    for name, column in values.items():
        table[:, NAMES.index(name)] = column
    return table.clip(0, 1)


def lips_of_mesh(shape: Float) -> Float:
    """What a mesh shows of `lips.CHANNELS`: float32 (T, 6); teeth and tongue stay 0; NaN rows are at rest."""
    table = of_mesh(shape)
    column = {name: table[:, k] for k, name in enumerate(NAMES)}
    gap = np.nan_to_num(faces.opening(np.nan_to_num(shape)))
    opening = np.clip(gap / WIDEST, 0, 1)
    shut: NDArray[np.bool_] = np.isfinite(shape[:, 0, 0]) & (gap < 0.03)
    rounding = np.maximum(column["mouthFunnel"], column["mouthPucker"])
    still = np.zeros(len(table))
    return np.column_stack([opening, rounding, column["mouthStretchLeft"], shut, still, still]).astype(np.float32)
