"""Italian."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Italian",
    voice="it",
    sample=(
        "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e "
        "di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f v",
        "DD": "d r t ɾ",
        "kk": "k ŋ ɡ",
        "CH": "dʒ tʃ ʃ",
        "SS": "dz s ss ts z",
        "nn": "l n ɲ ʎ",
        "aa": "a aɪ aʊ",
        "E": "e ɛ",
        "ih": "i j ɪ",
        "oh": "o ɔ",
        "ou": "u w ʊ",
    },
    notes=(
        "Seven vowels, of which u o ɔ are rounded. Double consonants hold their closure about twice as long: "
        "lips stay shut longer in pp, bb and mm."
    ),
)
