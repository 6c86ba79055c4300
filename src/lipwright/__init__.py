"""Make the lips in a video match a voice, and measure honestly how well they do.

>>> import lipwright
>>> clip = lipwright.open("talk.mp4")                        # doctest: +SKIP
>>> dubbed = lipwright.dub(clip, lipwright.open_audio("french.wav"))  # doctest: +SKIP
>>> lipwright.write(dubbed, "out.mp4")                       # doctest: +SKIP

The stub beside this file (``__init__.pyi``) is the table of contents. A name is imported when it is
first used, so that ``import lipwright`` itself loads nothing.
"""

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0.dev0"

_HOMES = {
    "types": (
        "Audio", "AudioSpec", "Clip", "Colour", "Dubbed", "Face", "FaceSpec", "FaceTrack", "Issue", "Measure",
        "Phone", "Take",
    ),
    "errors": (
        "InputError", "LipwrightError", "MediaError", "MissingExtraError", "NoFaceError", "OutputError",
        "PullError", "RefusedError", "UnsoundError", "WeightsError",
    ),
    "check": ("Checked", "check"),
    "media": ("open", "open_audio", "write"),
    "dub": ("dub",),
    "finish": ("finish",),
    "measure": ("Measured", "measure"),
    "prepare": ("prepare",),
    "repair": ("repair",),
    "speak": ("speak",),
    "train": ("train",),
    "tune": ("tune",),
    "compare": ("Compared", "compare"),
    "demo": ("demo",),
    "voices": ("Spoken",),
    "visemes": ("visemes",),
    "wav2lip": ("wav2lip",),
    "web": ("serve",),
}  # fmt: skip

__all__ = sorted(["__version__", *(name for names in _HOMES.values() for name in names)])  # noqa: PLE0605


class _Package(ModuleType):
    """A package in which ``lipwright.dub`` is the function even after its module of that name was imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and name in _HOMES.get(name, ()):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    """Import the public ``name`` from its home the first time it is used (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
