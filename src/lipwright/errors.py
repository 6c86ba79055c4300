"""What can go wrong, as sentences: what, where, the value given, the remedy.

::

    LipwrightError (Exception)
    ├── InputError (ValueError)      a file, a recording or an option that cannot be used
    │   ├── MediaError               a video, picture or sound that cannot be read
    │   │   └── UnsoundError         a sound whose samples are no sound: not numbers, or far too large
    │   └── NoFaceError              no face where one is needed
    ├── OutputError (OSError)        a file that cannot be written
    ├── WeightsError (RuntimeError)  weights that are missing, damaged or of another network
    │   ├── PullError                weights that could not be brought here
    │   └── RefusedError             weights that are worse than those they began as
    └── MissingExtraError (ImportError)   an optional package that is not installed

Every message is shown to people as it is; the command line prints it and exits 1.
"""

from __future__ import annotations


class LipwrightError(Exception):
    """Base of every error lipwright raises on purpose."""


class InputError(LipwrightError, ValueError):
    """A file, a recording or an option that cannot be used."""


class MediaError(InputError):
    """A video, picture or sound that cannot be read."""


class UnsoundError(MediaError):
    """A sound whose samples are no sound: not numbers, or far beyond full scale."""


class NoFaceError(InputError):
    """No face where one is needed."""


class OutputError(LipwrightError, OSError):
    """A file that cannot be written."""


class WeightsError(LipwrightError, RuntimeError):
    """Weights that are missing, damaged or of another network."""


class PullError(WeightsError):
    """Weights that could not be brought here."""


class RefusedError(WeightsError):
    """Weights that are worse than those they began as."""


class MissingExtraError(LipwrightError, ImportError):
    """An optional package that is not installed.

    >>> str(MissingExtraError("train", "torch"))
    'torch is not installed; it comes with: pip install "lipwright[train]"'
    """

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(f'{package} is not installed; it comes with: pip install "lipwright[{extra}]"')
