"""Any server that answers as OpenAI's ``/v1/audio/speech`` does, on this machine or elsewhere: ``--voice
openai:alloy``.

The key is read from an environment variable when it is needed; it is never printed, kept or sent to another address.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from lipwright import fetch, media
from lipwright.errors import InputError
from lipwright.voices import Manner, Spoken

EXAMPLE = "alloy"

_PACES = (0.25, 4.0)


class Voice:
    """A voice of a server.

    Args:
        which: the voice's name there.
        url: the server, up to ``/v1``; https, or http on this machine.
        model: the model's name there.
        key: the environment variable that holds the key; where it is not set, none is sent.
        seconds: how long an answer may take.
    """

    longest = 4000
    follows = frozenset({"pace"})
    marked = False
    free = False

    def __init__(
        self,
        which: str = "alloy",
        *,
        url: str = "https://api.openai.com/v1",
        model: str = "tts-1",
        key: str = "OPENAI_API_KEY",
        seconds: float = 120.0,
    ) -> None:
        if not key.replace("_", "").isalnum() or key.lower().startswith("sk"):
            raise InputError("the option key is the name of an environment variable that holds the key, not the key")
        self._which, self._model, self._key, self._seconds = which or "alloy", model, key, seconds
        self._url = url.rstrip("/") + "/audio/speech"

    def speak(self, text: str, language: str, manner: Manner) -> Spoken:  # noqa: ARG002 - it hears which it is
        """As the contract says; no phones are known, and the language is told by the text.

        Raises:
            PullError: the server cannot be reached or refuses.
            InputError: its answer is no sound.
        """
        pace = min(max(manner.pace, _PACES[0]), _PACES[1])
        asked = {"model": self._model, "voice": self._which, "input": text, "response_format": "wav", "speed": pace}
        secret = os.environ.get(self._key, "")
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
        answer = fetch.ask(self._url, json.dumps(asked).encode(), headers, seconds=self._seconds)
        with tempfile.TemporaryDirectory(prefix="lipwright-voice-") as room:
            file = Path(room) / "answer.wav"
            file.write_bytes(answer)
            try:
                sound = media.open_audio(file)
                return Spoken(sound.samples, sound.rate)
            except InputError as problem:
                raise InputError(f"what {self._url} answered is no sound; is it a speech server?") from problem
