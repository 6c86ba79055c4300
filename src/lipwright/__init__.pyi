from lipwright.dub import dub as dub
from lipwright.errors import (
    InputError as InputError,
    LipwrightError as LipwrightError,
    MediaError as MediaError,
    MissingExtraError as MissingExtraError,
    NoFaceError as NoFaceError,
    OutputError as OutputError,
    PullError as PullError,
    WeightsError as WeightsError,
)
from lipwright.media import open as open, open_audio as open_audio, write as write
from lipwright.types import (
    Audio as Audio,
    AudioSpec as AudioSpec,
    Clip as Clip,
    Colour as Colour,
    Face as Face,
    FaceSpec as FaceSpec,
    FaceTrack as FaceTrack,
    Issue as Issue,
    Measure as Measure,
    Phone as Phone,
    Take as Take,
)

__version__: str
