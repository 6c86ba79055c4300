"""Russian."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Russian",
    voice="ru",
    sample=(
        "Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены разумом и "
        "совестью и должны поступать в отношении друг друга в духе братства."
    ),
    visemes={
        "PP": "b bʲ m mʲ p pʲ",
        "FF": "f fʲ v vʲ",
        "DD": "d dʲ r t tʲ",
        "kk": "k kʲ x ɡ ʲ",
        "CH": "tɕ tʃ tʃʲ ɕ ʃ ʑ ʒ",
        "SS": "s sʲ ts z zʲ",
        "nn": "l n nʲ ɭ",
        "aa": "a ɐ ɑ ʌ",
        "E": "e ə ɛ",
        "ih": "i j ja ju y ɪ",
        "oh": "o ɔ ɵ",
        "ou": 'u u"',
    },
    spelling={"y": "ɨ"},
    notes=(
        "u and o are rounded; o without stress is ʌ, open and not rounded. Soft consonants (with ʲ) spread "
        "the lips a little. What espeak-ng writes y is ɨ, which is not rounded."
    ),
)
