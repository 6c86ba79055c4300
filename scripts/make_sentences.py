"""Speak the two sentences of `lipwright demo` with espeak-ng and write them as AAC into the package.

python scripts/make_sentences.py        # needs the program espeak-ng
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import av

ASSETS = Path(__file__).parent.parent / "src" / "lipwright" / "assets"
SENTENCES = {
    "sentence-1.m4a": "This is a synthetic voice. It was made to show how lipwright moves the lips.",
    "sentence-2.m4a": "Now the same video says something else. Nobody has ever spoken this sentence.",
}


def speak(text: str) -> bytes:
    """The text as a WAV file's bytes, 22050 Hz mono."""
    return subprocess.run(
        ["espeak-ng", "-v", "en-us", "-s", "155", "--stdout", text], capture_output=True, check=True
    ).stdout


def write(wav: bytes, path: Path) -> None:
    """Encode a WAV as AAC at 48 kbit/s."""
    with av.open(io.BytesIO(wav)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=22050, layout="mono", bit_rate=48_000)
        for frame in source.decode(audio=0):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


for name, text in SENTENCES.items():
    write(speak(text), ASSETS / name)
