"""What the mouth does for a speech sound, by its IPA letters."""

from __future__ import annotations

import pytest

from lipwright import lips, phones
from lipwright.errors import InputError
from lipwright.types import Phone

_EVERY = r"""
? ?a ?ɑ A K N S X a a. a` aa aai aanɡ aau ai anɡ au aɛ aɨ aɪ aɪə aɪɚ aɪʊ aɪː aɪ̃ aɯ aʊ aʊə aʊː aʊ̃ aː aːi aːu
aːɪ aːʊ b bʰ bʲ c cr cʰ d dZ d[ d^ dz dzʲ dʑ dʒ dʒʲ dʒ̃ dʰ dʲ dˤ d̪ e e` ea ee ei enɡ eo eoi eu ey eɑ eə eɪ
eɪː eʊ eː e̞ e̪u f fʲ g h hs ht hʰ i i. i` ia iau ie inɡ io iou iu iy iɐ iɑ iɑu iə iɛ iɪ iʊ iː i̪ i̯ j ja ju k
k^ k_h k` kh ky kʰ kʲ k̃ l l# l̩ l̩ː m m# mʲ m̩ n n# n^ nɡ nʲ n̩ n̪ o o` oe oenɡ oi onɡ ou oæ oə oɪ oʊ oʊː oː
o̞ p p_h p` pf ph pʰ pʲ q q` r r# r. r̝ r̝̊ r̩ r̩ː s s. s^ ss sx sʲ s̪ s̺ s̻ t tS t[ t^ t_h t` th tl# ts ts.
ts.h tsh tsʰ tsʲ ts̺ ts̻ tɕ tɕh tʃ tʃ` tʃʰ tʃʲ tʃ̃ tʰ tʲ t̪ u u" u"ː u. u` ua uai ue uei ui unɡ uo uɑ uə uɨ uɪ
uː v vʲ w wʰ x xʰ y yi yu yæ yø yə yɛ yɪ yʊ yː z zʲ ã ä æ æi æy æʊ æː æːɪ æːʊ ç ð õ õ` õɪ õː ø øi øy øyː øə øː
ħ ĩ ĩ` ŋ ŋ# ŋ̩ œ œy œː œ̃ ũ ũ` ŭ ɐ ɐ̃ ɐ̃ʊ ɐ̯ ɑ ɑu ɑə ɑɨ ɑɪ ɑʊ ɑː ɑːɹ ɑ̃ ɑ̃ː ɒ ɒ` ɒ̃ ɒ̃` ɔ ɔ+ ɔa ɔi ɔø ɔə ɔɨ ɔɪ
ɔʊ ɔː ɔːɹ ɔ̃ ɕ ɖ ɖʐ ɖʰ ɗ ɘ ə əi əl ər əu əɨ əɪ əɹ əʊ əː əːɪ əːʊ ɚ ɛ ɛu ɛɪ ɛɹ ɛʊ ɛː ɛ̃ ɛ̃ː ɜ ɜɪ ɜː ɟ ɟʰ ɡ ɡʰ ɡʲ
ɡ̃ ɢ ɣ ɣ^ ɣ̃ ɤ ɨ ɨu ɨː ɨ̃ ɪ ɪ^ ɪu ɪɹ ɪː ɪ̃ ɫ ɬ ɭ ɯ ɯi ɯɪ ɯᵝ ɱ ɲ ɲ# ɳ ɴ ɵ ɵː ɸ ɹ ɻ ɽ ɾ ʀ ʁ ʂ ʃ ʃʲ ʃ̃ ʈ ʈʂ ʈʰ ʉ
ʉɪ ʉɹ ʉː ʊ ʊɐ ʊə ʊɪ ʊɹ ʊː ʊ̃ ʋ ʌ ʌɪ ʌɹ ʌʉ ʌʊ ʌ̃ ʌ̃` ʍ ʎ ʏ ʐ ʑ ʒ ʒʲ ʔ ʔe ʔi ʔo ʔu ʔy ʔœ ʔʌ ʕ ʝ ʦ ʰ ʰa ʰe ʰi ʰl
ʰo ʰr ʰu ʰə ʰχ ʲ ː ̃ Φ β ε θ χ ᵐ ᵑ ᵻ ẽ ẽ` ⁿ
"""
EVERY = _EVERY.split()
"""Every symbol that espeak-ng 1.52 gives for the phonemes in the tables of its 151 voices."""


def test_every_phone_that_any_language_of_espeak_emits_has_a_viseme() -> None:
    assert len(EVERY) > 400
    for symbol in EVERY:
        assert {lips.oculus(sound) for sound in phones.sounds(symbol)} <= set(lips.OCULUS), symbol
        assert all(0 < lips.microsoft(sound) < 22 for sound in phones.sounds(symbol)), symbol
        assert all(lips.rhubarb(sound) in lips.RHUBARB for sound in phones.sounds(symbol)), symbol
        assert all(((value := lips.targets(s)) >= 0).all() and (value <= 1).all() for s in phones.sounds(symbol))


@pytest.mark.parametrize("symbol", ["p", "b", "m", "pʰ", "bʱ", "mʲ", "ɓ", "pf", "ᵐb"])
def test_lips_meet(symbol: str) -> None:
    assert phones.closes_lips(symbol)


@pytest.mark.parametrize("symbol", ["f", "t", "w", "a", "β", "ŋ", "h"])
def test_lips_do_not_meet(symbol: str) -> None:
    assert not phones.closes_lips(symbol)


def test_rounding_goes_with_height_and_with_marks() -> None:
    assert phones.rounding("u") == phones.rounding("y") == phones.rounding("w") == 1
    assert 0.4 < phones.rounding("ɔ") < phones.rounding("o") < 1
    assert phones.rounding("i") == phones.rounding("a") == phones.rounding("ɯ") == phones.rounding("s") == 0
    assert phones.rounding("kʷ") > 0.8
    assert 0 < phones.rounding("ɯᵝ") < 0.5
    assert phones.rounding("aʊ") > 0.9
    assert 0.3 < phones.rounding("ʃ") < 0.6


def test_what_opens_and_what_touches_the_teeth() -> None:
    assert [symbol for symbol in ("a", "ɑː", "æ", "ʌ", "aɪ", "e", "u", "ɪa", "p") if phones.is_open_vowel(symbol)] == [
        "a", "ɑː", "æ", "ʌ", "aɪ",
    ]  # fmt: skip
    assert [symbol for symbol in ("f", "v", "ʋ", "pf", "p", "θ", "w") if phones.lips_to_teeth(symbol)] == [
        "f", "v", "ʋ", "pf",
    ]  # fmt: skip


def test_a_cedilla_makes_a_letter_and_a_tilde_does_not() -> None:
    assert phones.sounds("ç")[0].place == phones.sounds("c\u0327")[0].place == "palatal"
    assert phones.sounds("ɛ\u0303") == phones.sounds("ɛ")
    assert phones.sounds("iː")[0].long


def test_an_unknown_letter_is_a_sentence() -> None:
    with pytest.raises(InputError, match="'€' in the speech sound 'a€' is no letter of the IPA"):
        phones.sounds("a€")
    assert not phones.known("a€")


def test_diphthongs_share_their_time_and_affricates_keep_their_hiss() -> None:
    split = phones.split((Phone("aɪ", 0.0, 0.2), Phone("tʃ", 0.2, 0.3), Phone("pf", 0.3, 0.4)))
    assert [sound.letter for _, sound in split] == ["a", "ɪ", "ʃ", "p", "f"]
    assert [(round(p.start, 3), round(p.end, 3)) for p, _ in split] == [
        (0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.35), (0.35, 0.4),
    ]  # fmt: skip


def test_a_language_may_spell_a_sound_otherwise() -> None:
    assert phones.respelt((Phone("c", 0, 1), Phone("a", 1, 2)), {"c": "tɕ"}) == (Phone("tɕ", 0, 1), Phone("a", 1, 2))
