"""The family of voices: its contract, and what each member does and refuses."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from lipwright import registry
from lipwright.errors import InputError, PullError
from lipwright.voices import Manner, Spoken, pieces, sentences

SECRET = "sk-very-secret-0123456789"

WRITES = f"""{sys.executable} -c "import sys; from scipy.io import wavfile; import numpy as np;\
wavfile.write(sys.argv[1], 8000, np.full(len(sys.argv[2]) * 100, 9000, np.int16))" {{out}} {{text}}"""


class Server(BaseHTTPRequestHandler):
    """Answers as a speech server: 0.5 s of a tone; /moved redirects, /closed refuses, /html is no sound."""

    asked: list[tuple[str, dict[str, object], str | None]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body, self.headers.get("Authorization")))
        if self.path.startswith("/closed"):
            self.send_error(401, self.headers.get("Authorization"))
        elif self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/v1/audio/speech")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            sound = BytesIO()
            wavfile.write(sound, 24000, (9000 * np.sin(np.arange(12000) / 9)).astype(np.int16))
            self.wfile.write(b"<html>hello" if self.path.startswith("/html") else sound.getvalue())

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def server() -> Iterator[str]:
    Server.asked = []
    served = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


@pytest.mark.parametrize("name", registry.members("voices"))
def test_every_voice_keeps_the_contract(name: str) -> None:
    module = registry.load("voices", name)
    assert module.__doc__
    assert module.Voice.longest >= 500
    assert isinstance(module.Voice.marked, bool)
    assert isinstance(module.Voice.free, bool)
    if not hasattr(module, "EXAMPLE"):
        voice = module.Voice("")
        said = voice.speak("Hello.", "en", Manner())
        assert isinstance(said, Spoken)
        assert said.duration > 0.2
        assert voice.follows <= {"pace", "pitch", "volume"}


def test_sentences_are_told_from_abbreviations() -> None:
    text = 'Dr. A. Smith came at 3.15 p.m. today. "Really?" She did! 你好。再见！\n\nA title\n\nEnd'
    assert sentences(text) == [
        "Dr. A. Smith came at 3.15 p.m. today.", '"Really?"', "She did!", "你好。", "再见！", "A title", "End",
    ]  # fmt: skip
    assert sentences("  ") == []


@pytest.mark.parametrize("longest", [10, 60, 1000])
def test_pieces_hold_every_word_and_are_never_too_long(longest: int) -> None:
    text = "One two three, four five six; seven. " * 20 + "x" * 95
    found = pieces(text, longest)
    assert max(len(piece) for piece in found) <= longest
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


def test_espeak_says_when_each_sound_is_made() -> None:
    voice = registry.load("voices", "espeak").Voice("")
    said = voice.speak("Papa", "fr", Manner())
    assert [phone.symbol for phone in said.phones][:2] == ["p", "a"]
    assert all(0 <= one.start < one.end <= said.duration for one in said.phones)
    assert all(one.end <= other.start + 1e-9 for one, other in zip(said.phones, said.phones[1:], strict=False))


def test_espeak_follows_pace_pitch_and_volume_and_reads_ssml() -> None:
    voice = registry.load("voices", "espeak").Voice("")
    text = "The weather is fine today."
    plain, slow = (voice.speak(text, "en", Manner(pace=pace)) for pace in (1.0, 0.6))
    assert slow.duration > 1.3 * plain.duration
    soft = voice.speak(text, "en", Manner(volume=-12))
    levels = [20 * np.log10(np.std(said.samples)) for said in (soft, plain)]
    assert levels[0] - levels[1] == pytest.approx(-12, abs=0.5)
    marked = voice.speak('<speak>Hello <break time="900ms"/> you</speak>', "en", Manner(ssml=True))
    assert marked.duration > voice.speak("Hello you", "en", Manner()).duration + 0.5


def test_espeak_refuses_kanji_that_it_cannot_read() -> None:
    voice = registry.load("voices", "espeak").Voice("")
    with pytest.raises(InputError, match="kana"):
        voice.speak("日本語です", "ja", Manner())
    assert voice.speak("こんにちは", "ja", Manner()).phones


def test_a_command_speaks_without_a_shell(tmp_path: Path) -> None:
    voice = registry.load("voices", "command").Voice(WRITES)
    evil = '"; touch evil; {out} $(touch evil) `touch evil`'
    said = voice.speak(evil, "en", Manner())
    assert len(said.samples) == 100 * len(evil)
    assert said.rate == 8000
    assert not list(tmp_path.iterdir())
    assert not Path("evil").exists()


def test_a_command_is_given_the_text_where_its_template_has_no_place_for_it() -> None:
    program = "import sys; from scipy.io import wavfile; import numpy as np; \
wavfile.write(sys.argv[1], 8000, np.full(100 * len(sys.stdin.read()), 9000, np.int16))"
    voice = registry.load("voices", "command").Voice(f'{sys.executable} -c "{program}" {{out}}')
    assert len(voice.speak("four", "en", Manner()).samples) == 400


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("", "{out}"),
        ("say hello", "{out}"),
        ("say 'hello -o {out}", "quotes"),
        ("no-such-program-here {out}", "cannot be run"),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no such voice\")' {{out}}", "no such voice"),
        (f"{sys.executable} -c pass {{out}}", "wrote no sound"),
    ],
)
def test_a_command_that_does_not_speak_is_a_sentence(template: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        registry.load("voices", "command").Voice(template).speak("hello", "en", Manner())


def test_a_server_is_asked_for_speech(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    voice = registry.load("voices", "openai").Voice("nova", url=f"{server}/v1/", model="m", key="MY_KEY")
    said = voice.speak("Hello there.", "en", Manner(pace=1.5))
    assert (said.duration, said.rate) == (0.5, 24000)
    path, body, secret = Server.asked[0]
    assert path == "/v1/audio/speech"
    assert body == {"model": "m", "voice": "nova", "input": "Hello there.", "response_format": "wav", "speed": 1.5}
    assert secret == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("place", "word"),
    [("/closed", "HTTP 401"), ("/moved", "redirects"), ("/html", "no sound"), (None, "cannot be reached")],
)
def test_a_server_that_does_not_speak_is_a_sentence_without_the_secret(
    place: str | None, word: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    url = "http://127.0.0.1:9" if place is None else server + place
    voice = registry.load("voices", "openai").Voice("nova", url=url)
    with pytest.raises((InputError, PullError), match=word) as found:
        voice.speak("Hello.", "en", Manner())
    assert SECRET not in str(found.value)
    assert SECRET not in repr(found.value.__cause__)
    assert all(path.startswith(place or "") for path, _, _ in Server.asked)


def test_a_key_itself_is_refused_where_its_name_is_wanted() -> None:
    with pytest.raises(InputError, match="name of an environment variable") as found:
        registry.load("voices", "openai").Voice("nova", key=SECRET)
    assert SECRET not in str(found.value)


def test_secrets_do_not_go_to_another_machine_in_the_clear() -> None:
    voice = registry.load("voices", "openai").Voice("nova", url="http://example.org/v1")
    with pytest.raises(PullError, match="https"):
        voice.speak("Hello.", "en", Manner())


def test_piper_names_what_is_missing(tmp_path: Path) -> None:
    piper = registry.load("voices", "piper")
    with pytest.raises(InputError, match="none was given"):
        piper.Voice("")
    with pytest.raises(InputError, match="no file"):
        piper.Voice(str(tmp_path / "none.onnx"))
    (tmp_path / "de.onnx").write_bytes(b"0")
    with pytest.raises(InputError, match="two files"):
        piper.Voice(str(tmp_path / "de.onnx"))
    (tmp_path / "de.onnx.json").write_text("[]")
    with pytest.raises(InputError, match="no description"):
        piper.Voice(str(tmp_path / "de.onnx"))


def test_piper_is_run_as_its_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "piper"
    fake.mkdir()
    (fake / "__init__.py").write_text("")
    (fake / "__main__.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom scipy.io import wavfile\nimport numpy as np\n"
        "said = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "seconds = len(Path(said['-i']).read_text().strip()) / 10 * float(said['--length-scale'])\n"
        "wavfile.write(said['-f'], 16000, np.full(round(16000 * seconds), 9000, np.int16))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "de.onnx").write_bytes(b"0")
    (tmp_path / "de.onnx.json").write_text(json.dumps({"language": {"family": "de"}}))
    voice = registry.load("voices", "piper").Voice(str(tmp_path / "de.onnx"))
    assert voice.speak("Guten\nTag, Welt", "de-DE", Manner(pace=2.0)).duration == pytest.approx(0.75)
    with pytest.raises(InputError, match="'de'"):
        voice.speak("Hello", "en", Manner())


@pytest.mark.parametrize("manner", [{"pace": 9.0}, {"pitch": 40.0}, {"volume": float("nan")}])
def test_a_manner_has_limits(manner: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(manner))):
        Manner(**manner)
