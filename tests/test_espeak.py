"""espeak-ng speaks many languages, and says when each speech sound begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest

from lipwright import espeak
from lipwright.errors import InputError, MissingExtraError

pytestmark = pytest.mark.usefixtures("loader")


@pytest.fixture(scope="module")
def loader() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")


def test_a_sentence_has_its_phones_in_order_without_overlap() -> None:
    spoken = espeak.speak("Hello, Bob.", "en-us")
    assert [phone.symbol for phone in spoken.phones] == ["h", "ə", "l", "oʊ", "b", "ɑː", "b"]
    times = [time for phone in spoken.phones for time in (phone.start, phone.end)]
    assert times == sorted(times)
    assert times[-1] <= spoken.audio.duration
    assert spoken.words[1][0] == len("Hello, ")


def test_a_pause_is_a_gap_between_phones_where_the_sound_is_silent() -> None:
    spoken = espeak.speak("Papa. Mama.", "de")
    ends = [phone.end for phone in spoken.phones]
    gap = next(
        (a.end, b.start) for a, b in zip(spoken.phones, spoken.phones[1:], strict=False) if b.start - a.end > 0.2
    )
    quiet = spoken.audio.cut(gap[0] + 0.08, gap[1]).samples
    assert np.abs(quiet).max() < 0.02 < np.abs(spoken.audio.samples).max()
    assert gap[0] in ends


def test_a_hiss_sounds_when_its_event_says_so() -> None:
    spoken = espeak.speak("a sa sa sa", "it")
    for phone in spoken.phones:
        part = spoken.audio.cut(phone.start + 0.02, phone.end - 0.02).samples
        crossings = float((np.diff(np.sign(part)) != 0).mean())
        assert (crossings > 0.25) == (phone.symbol == "s"), phone


def test_pace_and_melody_and_volume_change_the_sound() -> None:
    plain = espeak.speak("one two three four five six seven", "en-us")
    fast = espeak.speak("one two three four five six seven", "en-us", pace=350, volume=20)
    assert fast.audio.duration < 0.7 * plain.audio.duration
    assert np.abs(fast.audio.samples).max() < 0.5 * np.abs(plain.audio.samples).max()
    assert [p.symbol for p in fast.phones] == [p.symbol for p in plain.phones]


def test_ssml_makes_a_break() -> None:
    spoken = espeak.speak("<speak>ma <break time='1s'/> ma</speak>", "es", ssml=True)
    assert spoken.phones[2].start - spoken.phones[1].end > 0.9


@pytest.mark.parametrize(
    ("given", "known"),
    [("en", "en-us"), ("zh-CN", "cmn"), ("zh-HK", "yue"), ("pt-BR", "pt-br"), ("fr-CA", "fr"), ("EN_GB", "en-gb")],
)
def test_languages_are_found_by_their_usual_codes(given: str, known: str) -> None:
    assert espeak.voice_name(given) == known
    assert espeak.phones("1", given)


def test_threads_do_not_mix_their_texts() -> None:
    texts = {"en-us": "lips", "de": "Schule", "fr": "bonjour"}
    alone = {language: espeak.phones(text, language) for language, text in texts.items()}
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            (language, pool.submit(espeak.phones, text, language)) for _ in range(5) for language, text in texts.items()
        ]
    assert all(job.result() == alone[language] for language, job in jobs)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, "the text to speak is empty"),
        (" \n", {}, "the text to speak is empty"),
        ("...", {}, "nothing to say in en-us"),
        ("a", {"language": "xx"}, "speaks no language 'xx'"),
        ("a", {"language": "germ"}, "codes such as de"),
        ("a", {"variant": "zz"}, "no variant 'zz'; there are"),
        ("a", {"pace": 20}, "the pace of a voice must be 80 to 450; given 20"),
        ("a", {"volume": 201}, "the volume of a voice must be 0 to 200; given 201"),
    ],
)
def test_what_cannot_be_said_is_a_sentence(text: str, options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        espeak.speak(text, **options)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(espeak, "import_module", absent)
    espeak._engine.cache_clear()
    with pytest.raises(MissingExtraError, match=r"lipwright\[voices\]"):
        espeak.languages()
    monkeypatch.setattr(espeak, "import_module", import_module)
    assert "fr" in espeak.languages()
