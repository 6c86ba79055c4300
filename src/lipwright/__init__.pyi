from lipwright.check import Checked as Checked, check as check
from lipwright.compare import Compared as Compared, compare as compare
from lipwright.demo import demo as demo
from lipwright.dub import dub as dub
from lipwright.errors import (
    InputError as InputError,
    LipwrightError as LipwrightError,
    MediaError as MediaError,
    MissingExtraError as MissingExtraError,
    NoFaceError as NoFaceError,
    OutputError as OutputError,
    PullError as PullError,
    RefusedError as RefusedError,
    UnsoundError as UnsoundError,
    WeightsError as WeightsError,
)
from lipwright.finish import finish as finish
from lipwright.measure import Measured as Measured, measure as measure
from lipwright.media import open as open, open_audio as open_audio, write as write
from lipwright.prepare import prepare as prepare
from lipwright.repair import repair as repair
from lipwright.speak import speak as speak
from lipwright.train import train as train
from lipwright.tune import tune as tune
from lipwright.types import (
    Audio as Audio,
    AudioSpec as AudioSpec,
    Clip as Clip,
    Colour as Colour,
    Dubbed as Dubbed,
    Face as Face,
    FaceSpec as FaceSpec,
    FaceTrack as FaceTrack,
    Issue as Issue,
    Measure as Measure,
    Phone as Phone,
    Take as Take,
)
from lipwright.visemes import visemes as visemes
from lipwright.voices import Spoken as Spoken
from lipwright.wav2lip import wav2lip as wav2lip
from lipwright.web import serve as serve

__version__: str
