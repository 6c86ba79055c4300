"""French."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="French",
    voice="fr",
    sample=(
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et"
        " de conscience et doivent agir les uns envers les autres dans un esprit de fraternité."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f v",
        "DD": "d t",
        "kk": "k ŋ ɡ ʁ",
        "CH": "dʒ tʃ ʃ ʒ",
        "SS": "s z",
        "nn": "l n ɲ",
        "aa": "a ɑ ɑ̃",
        "E": "e ə ɛ ɛ̃",
        "ih": "i j",
        "oh": "o ø œ œ̃ ɔ ɔ̃",
        "ou": "u w y",
    },
    spelling={"ʃ": "ʃʷ", "ʒ": "ʒʷ"},
    notes=(
        "Strong rounding: u o ɔ and the front y ø œ œ̃, besides ʃ and ʒ, which push the lips far out. "
        "Rounding begins early, often one sound ahead. Stress is on the last syllable, and vowels stay as "
        "they are without it."
    ),
)
