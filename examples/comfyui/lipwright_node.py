"""Nodes for ComfyUI: dub frames with a sound, and say how well lips and sound match.

ComfyUI's IMAGE is a float tensor (frames, height, width, 3), 0 to 1; its AUDIO is a waveform (1, channels, samples)
with a sample rate.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import numpy as np
import torch

import lipwright
from lipwright import registry
from lipwright.types import Audio, Clip


class LipwrightDub:
    """Make the lips in frames match a sound."""

    CATEGORY = "lipwright"
    FUNCTION = "dub"
    RETURN_TYPES = ("IMAGE", "AUDIO")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": ("IMAGE",),
                "audio": ("AUDIO",),
                "fps": ("FLOAT", {"default": 25.0, "min": 1.0, "max": 240.0, "step": 0.001}),
                "dubber": (registry.members("dubbers"), {"default": "landmark"}),
                "face": ("STRING", {"default": "auto"}),
                "smooth": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 10.0}),
            }
        }

    def dub(
        self, images: torch.Tensor, audio: dict[str, Any], fps: float, dubber: str, face: str, smooth: float
    ) -> tuple[torch.Tensor, dict[str, Any]]:
        clip = as_clip(images, fps)
        dubbed = lipwright.dub(clip, as_sound(audio), dubber=dubber, face=face, smooth=smooth)
        painted = torch.from_numpy(np.stack(list(dubbed.read()))).float() / 255
        return painted, audio


class LipwrightMeasure:
    """How well lips and sound match, in words."""

    CATEGORY = "lipwright"
    FUNCTION = "measure"
    RETURN_TYPES = ("STRING", "INT")
    RETURN_NAMES = ("verdict", "offset in frames")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        fps = ("FLOAT", {"default": 25.0, "min": 1.0, "max": 240.0, "step": 0.001})
        return {"required": {"images": ("IMAGE",), "audio": ("AUDIO",), "fps": fps}}

    def measure(self, images: torch.Tensor, audio: dict[str, Any], fps: float) -> tuple[str, int]:
        found = lipwright.measure(as_clip(images, fps).with_audio(as_sound(audio)))
        return f"{found.judged.verdict}: {found.judged.words}", found.judged.offset


def as_clip(images: torch.Tensor, fps: float) -> Clip:
    """ComfyUI's frames as a clip."""
    frames = (images.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    count, height, width, _ = frames.shape
    key = hashlib.sha256(frames.tobytes()).hexdigest()
    rate = Fraction(fps).limit_denominator(1001)
    return Clip(
        rate, (width, height), count, lambda start, stop: (frame.copy() for frame in frames[start:stop]), key=key
    )


def as_sound(audio: dict[str, Any]) -> Audio:
    """ComfyUI's sound, its channels averaged."""
    return Audio(audio["waveform"][0].mean(0).float().cpu().numpy(), int(audio["sample_rate"]))


NODE_CLASS_MAPPINGS = {"LipwrightDub": LipwrightDub, "LipwrightMeasure": LipwrightMeasure}
NODE_DISPLAY_NAME_MAPPINGS = {"LipwrightDub": "Dub lips (lipwright)", "LipwrightMeasure": "Measure lips (lipwright)"}
