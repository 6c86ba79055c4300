"""Portuguese."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Portuguese",
    voice="pt",
    sample=(
        "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de "
        "consciência, devem agir uns para com os outros em espírito de fraternidade."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f v",
        "DD": "d r t ɾ",
        "kk": "k x ŋ ɡ",
        "CH": "dʒ tʃ ʃ ʒ",
        "SS": "s z",
        "nn": "l n ɲ ʎ",
        "RR": "ɹ",
        "aa": "a aɪ æ ɐ ɐ̃ ɐ̃ʊ",
        "E": "e eɪ eʊ ə ɛ ɛʊ ẽ",
        "ih": "i j y ĩ ɪ",
        "oh": "o oɪ õ õɪ ɔ",
        "ou": "u w ũ ʊ",
    },
    spelling={"y": "ɨ"},
    notes=(
        "u o ɔ are rounded, nasal õ ũ too. Unstressed vowels are short and close, and nearly closed lips are "
        "common at a word's end. What espeak-ng writes y is an unrounded vowel here."
    ),
)
