"""Every language keeps its promise: its sample is said, and each sound of it has a viseme."""

from __future__ import annotations

import pytest

from lipwright import espeak, languages, lips, phones, registry

MEMBERS = registry.members("languages")


@pytest.fixture(scope="module")
def loader() -> None:
    pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed (extra voices)")


def test_the_promised_languages_are_here() -> None:
    assert set(MEMBERS) >= {"en", "es", "fr", "de", "it", "pt", "hi", "ar", "ru", "tr", "zh", "ja"}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_language_is_complete(name: str) -> None:
    language = languages.find(name)
    assert language.name
    assert language.sample
    assert language.notes
    assert set(language.visemes) <= set(lips.OCULUS)
    symbols = " ".join(language.visemes.values()).split()
    assert len(symbols) == len(set(symbols)) > 20, "each phone once"


@pytest.mark.parametrize("name", MEMBERS)
def test_its_visemes_are_what_the_letters_say(name: str) -> None:
    language = languages.find(name)
    for symbol, viseme in language.inventory.items():
        first = phones.split((phones.Phone(language.spelling.get(symbol, symbol), 0, 1),))[0][1]
        assert lips.oculus(first) == viseme, symbol
    assert {"p", "b", "m"} & {s for s in language.inventory if phones.closes_lips(s)}
    assert any(phones.rounding(s) > 0.9 for s in language.inventory)


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("name", MEMBERS)
def test_every_phone_of_its_sample_has_a_viseme(name: str) -> None:
    language = languages.find(name)
    said = set(espeak.phones(language.sample, language.voice))
    said |= set(espeak.phones(" ".join(map(str, range(100))), language.voice))
    assert len(said) > 20
    assert said <= set(language.inventory)


@pytest.mark.usefixtures("loader")
def test_numbers_in_all_languages_have_visemes_by_their_letters() -> None:
    silent = 0
    for code in espeak.languages():
        try:
            said = espeak.phones("0 1 2 3 4 5 6 7 8 9 10 11 12 20 30 100 1000", code)
        except espeak.InputError:  # a few languages have no numbers
            silent += 1
            continue
        assert all(phones.known(symbol) for symbol in said), code
    assert silent < 10


@pytest.mark.parametrize(
    ("given", "code"), [("zh-CN", "zh"), ("cmn", "zh"), ("pt-BR", "pt"), ("en_US", "en"), ("EN", "en"), ("sw", "sw")]
)
def test_codes_are_understood_as_they_are_written(given: str, code: str) -> None:
    assert languages.code(given) == code


def test_a_language_without_a_file_goes_by_its_letters() -> None:
    swahili = languages.find("sw")
    assert swahili.voice == "sw"
    assert not swahili.inventory


@pytest.mark.parametrize(("given", "voice"), [("pt-BR", "pt-BR"), ("en", "en-us"), ("zh", "cmn"), ("sw", "sw")])
def test_a_region_is_asked_of_espeak_itself(given: str, voice: str) -> None:
    assert languages.voice(given) == voice
