"""Japanese."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Japanese",
    voice="ja",
    sample=(
        "すべての にんげんは、うまれながらにして じゆうであり、かつ、そんげんと けんりとに ついて びょうどうである。"
    ),
    visemes={
        "PP": "b m p",
        "FF": "ɸ",
        "DD": "d t ɾ",
        "kk": "h k ç ŋ ɡ ɴ ʔ ʲ",
        "CH": "dʑ tɕ ɕ",
        "SS": "dz s ts z",
        "nn": "n ɲ",
        "RR": "ɹ ɽ",
        "aa": "a ä",
        "E": "e̞",
        "ih": "i j ĩ ɯᵝ",
        "oh": "o̞",
        "ou": "u w ũ",
    },
    notes=(
        "Little rounding: u (ɯᵝ) presses the lips together more than it pushes them out. ɸ (in fu) is made "
        "with both lips near each other. Long vowels and double consonants last about twice as long. espeak-"
        "ng reads kana; write kanji as kana."
    ),
)
