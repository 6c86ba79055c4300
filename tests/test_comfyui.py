"""The example of nodes for ComfyUI does what it says, with tensors as ComfyUI makes them."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drawn

torch = pytest.importorskip("torch", reason="the extra train is not installed")

NODE = Path(__file__).parent.parent / "examples" / "comfyui" / "lipwright_node.py"


@pytest.fixture(scope="module")
def nodes() -> dict[str, Any]:
    return runpy.run_path(str(NODE))["NODE_CLASS_MAPPINGS"]


def given() -> tuple[Any, dict[str, Any]]:
    """A drawn face of 1 s that speaks, and its voice, as ComfyUI has them."""
    clip = drawn.talking(25)
    assert clip.audio is not None
    images = torch.from_numpy(np.stack(list(clip.read()))).float() / 255
    return images, {"waveform": torch.from_numpy(clip.audio.samples)[None, None], "sample_rate": clip.audio.rate}


def test_frames_are_dubbed(nodes: dict[str, Any]) -> None:
    images, audio = given()
    painted, same = nodes["LipwrightDub"]().dub(images, audio, 25.0, "landmark", "auto", 0.5)
    assert painted.shape == images.shape
    assert painted.dtype == torch.float32
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1
    assert 0 < float((painted - images).abs().mean()) < 0.05
    assert same is audio


def test_what_is_measured_is_said_in_words(nodes: dict[str, Any]) -> None:
    words, offset = nodes["LipwrightMeasure"]().measure(*given(), 25.0)
    assert ": " in words
    assert isinstance(offset, int)


def test_inputs_are_described_as_comfyui_asks(nodes: dict[str, Any]) -> None:
    import inspect

    for node in nodes.values():
        asked = node.INPUT_TYPES()["required"]
        assert list(asked) == list(inspect.signature(getattr(node, node.FUNCTION)).parameters)[1:]
        assert node.RETURN_TYPES
    assert "landmark" in nodes["LipwrightDub"].INPUT_TYPES()["required"]["dubber"][0]
