"""What a request may say: one model for each verb, whose options are those of the verb's own command.

No option that names a file or a program of the server is among them: files come as uploads, networks by their names.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lipwright import registry


def _one_of(family: str) -> str:
    return f"^({'|'.join(registry.members(family))})$"


Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{24}$")]
"""An upload, or a job whose result is meant."""
Language = Annotated[str, StringConstraints(pattern="^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}$")]
Voice = Annotated[str, StringConstraints(pattern="^espeak(:[A-Za-z0-9]{1,16})?$")]
Who = Annotated[
    str, StringConstraints(pattern=r"^(auto|all|[0-9]{1,3}|[0-9]{1,5}(\.[0-9]{1,3})?,[0-9]{1,5}(\.[0-9]{1,3})?"
                                   r"(@[0-9]{1,6}(\.[0-9]{1,6})?)?)$")
]  # fmt: skip
Expert = Annotated[str, StringConstraints(pattern=_one_of("experts"))]
Dubber = Annotated[str, StringConstraints(pattern=_one_of("dubbers"))]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Rate = Annotated[str, StringConstraints(pattern="^([0-9]{1,6}(/[0-9]{1,4}|\\.[0-9]{1,4})?|source)$")]
Quality = Annotated[int, Field(ge=0, le=51)]
Edge = Annotated[int, Field(ge=0, le=65535)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """What was said, without what was left out or null."""
        return {key: value for key, value in self.model_dump(exclude_unset=True).items() if value is not None}


class _Spoken(_Strict):
    """How a text is spoken."""

    language: Language | None = Field(default=None, description="what the text is written in: en, fr, pt-BR, cmn ...")
    voice: Voice | None = Field(default=None, description="espeak, or one of its variants: espeak:f3")
    pace: float | None = Field(default=None, ge=0.4, le=2.5, description="times as fast")
    pitch: float | None = Field(default=None, ge=-12, le=12, description="semitones higher")
    volume: float | None = Field(default=None, ge=-30, le=12, description="decibels louder")


class _Finished(_Strict):
    """What is done with the frames at the end."""

    stabilise: float | None = Field(
        default=None, ge=0, le=10, description="take out shake shorter than so many seconds"
    )
    calm: float | None = Field(default=None, ge=0, le=1, description="even out flicker of the lower face")
    fps: Rate | None = Field(default=None, description="30, 60000/1001 or source")
    retime: bool | None = Field(default=None, description="show frames earlier or later where the sound says so")
    regrain: bool | None = Field(default=None, description="bring the grain to that of the source")


class DubInputs(_Strict):
    """Uploads of a dub: a video or picture, and a speech or subtitles unless a text is given."""

    video: Id
    speech: Id | None = None
    srt: Id | None = None
    like: Id | None = Field(default=None, description="a recording of whose voice the text is spoken in")


class DubOptions(_Spoken, _Finished):
    """Options of `lipwright dub`."""

    text: Text | None = None
    fit: bool | None = None
    like: Literal["own", "none"] | None = None
    dubber: Dubber | None = None
    face: Who | None = Field(default=None, description="auto, all, a number, X,Y or X,Y@SECONDS in pixels")
    box: tuple[Edge, Edge, Edge, Edge] | None = None
    preview: float | None = Field(default=None, ge=0.1, le=86400)
    compare: Literal["side", "stack"] | None = None
    sync_mode: Literal["bounce", "loop", "cut_off", "silence", "remap"] | None = None
    start: float | None = Field(default=None, ge=0, le=86400)
    blend: Literal["feather", "multiband", "poisson"] | None = None
    smooth: float | None = Field(default=None, ge=0, le=10)
    colour: bool | None = None
    grain: bool | None = None
    silence: Literal["refuse", "close"] | None = None
    strength: float | None = Field(default=None, ge=0, le=2)
    emotion: Literal["neutral", "happy", "sad", "angry", "surprised", "auto"] | None = None
    quality: Quality | None = None


class MeasureInputs(_Strict):
    """Uploads of a measurement."""

    video: Id
    reference: Id | None = None
    source: Id | None = None
    speech: Id | None = None


class MeasureOptions(_Strict):
    """Options of `lipwright measure`."""

    face: Who | None = None
    expert: Expert | None = None
    experts: Annotated[list[Expert], Field(max_length=4)] | None = None
    text: Text | None = None
    language: Language | None = None


class RepairInputs(_Strict):
    """The upload of a repair."""

    video: Id


class RepairOptions(_Strict):
    """Options of `lipwright repair`."""

    how: Literal["auto", "offset", "retime", "transplant"] | None = None
    copy_: bool | None = Field(default=None, alias="copy")
    expert: Expert | None = None
    judge: Expert | None = None
    quality: Quality | None = None
    window: Annotated[int, Field(ge=1, le=12)] | Literal["auto"] | None = None
    jump: float | None = Field(default=None, ge=0, le=10)
    greedy: bool | None = None
    compat: bool | None = None

    def given(self) -> dict[str, Any]:
        """As its base says; ``copy`` is a method of every model, and so has another name here."""
        return {key.rstrip("_"): value for key, value in super().given().items()}


class SpeakInputs(_Strict):
    """The upload of a speech, where it is to sound like somebody."""

    like: Id | None = None


class SpeakOptions(_Spoken):
    """Options of `lipwright speak`."""

    text: Text
    ssml: bool | None = None


class CheckInputs(_Strict):
    """Uploads of a check, one at least."""

    video: Id | None = None
    sound: Id | None = None


class CheckOptions(_Strict):
    """Options of `lipwright check`."""

    dubber: Dubber | None = None


class FinishInputs(_Strict):
    """Uploads of finishing: the video, and what it was before it was dubbed."""

    video: Id
    source: Id | None = None


class FinishOptions(_Finished):
    """Options of `lipwright finish`, one at least."""

    face: Who | None = None
    quality: Quality | None = None


class Webhook(_Strict):
    """Who is told that the job has ended, by a POST of the job; off unless the server allows it."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,1000}$")]
    secret: Annotated[str, StringConstraints(min_length=16, max_length=200)] = Field(
        description="signs what is sent: header lipwright-signature, HMAC-SHA256 of time, a full stop and the body"
    )


class _Request(_Strict):
    webhook: Webhook | None = None


class DubRequest(_Request):
    """Make the lips in a video match a voice."""

    verb: Literal["dub"]
    inputs: DubInputs
    options: DubOptions = Field(default_factory=DubOptions)
    consent: Literal[True] = Field(description="that everybody shown and heard agreed to it: see the responsible use")

    @model_validator(mode="after")
    def _said_once(self) -> DubRequest:
        given = [self.inputs.speech, self.inputs.srt, self.options.text]
        if sum(each is not None for each in given) != 1:
            raise ValueError("give one of these: the input speech, the input srt, or the option text")
        if self.inputs.speech is not None and (self.inputs.like or self.options.like):
            raise ValueError("a speech is given, so that like says nothing")
        if self.inputs.like is not None and self.options.like is not None:
            raise ValueError("like is given twice, as an input and as an option")
        return self


class MeasureRequest(_Request):
    """Say how well lips and voice match."""

    verb: Literal["measure"]
    inputs: MeasureInputs
    options: MeasureOptions = Field(default_factory=MeasureOptions)


class RepairRequest(_Request):
    """Bring lips and voice of a video together."""

    verb: Literal["repair"]
    inputs: RepairInputs
    options: RepairOptions = Field(default_factory=RepairOptions)


class SpeakRequest(_Request):
    """Speak a text."""

    verb: Literal["speak"]
    inputs: SpeakInputs = Field(default_factory=SpeakInputs)
    options: SpeakOptions


class CheckRequest(_Request):
    """Say what speaks against dubbing a video with a sound."""

    verb: Literal["check"]
    inputs: CheckInputs
    options: CheckOptions = Field(default_factory=CheckOptions)

    @model_validator(mode="after")
    def _something(self) -> CheckRequest:
        if self.inputs.video is None and self.inputs.sound is None:
            raise ValueError("give the input video, the input sound, or both")
        return self


class FinishRequest(_Request):
    """Take out shake and flicker, change the frame rate."""

    verb: Literal["finish"]
    inputs: FinishInputs
    options: FinishOptions


Requests = CheckRequest | DubRequest | FinishRequest | MeasureRequest | RepairRequest | SpeakRequest
JobRequest = Annotated[Requests, Field(discriminator="verb")]

TAKES: dict[str, tuple[str, ...]] = {
    "video": ("video", "picture"),
    "reference": ("video",),
    "source": ("video",),
    "speech": ("sound", "video"),
    "sound": ("sound", "video"),
    "like": ("sound", "video"),
    "srt": ("subtitles",),
}
"""What kinds of upload each role takes."""
