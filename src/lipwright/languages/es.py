"""Spanish."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Spanish",
    voice="es",
    sample=(
        "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón"
        " y conciencia, deben comportarse fraternalmente los unos con los otros."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f β",
        "TH": "ð θ",
        "DD": "d r t ɾ",
        "kk": "k x ŋ ɡ ɣ ʝ",
        "CH": "tʃ",
        "SS": "s",
        "nn": "l n ɲ ʎ",
        "aa": "a aɪ aʊ",
        "E": "e eɪ ɛ",
        "ih": "i j",
        "oh": "o oɪ ɔ",
        "ou": "u w",
    },
    notes=(
        "Five vowels, of which o and u are rounded. b between vowels is β: the lips come near and do not "
        "meet. No sound is made with lip and teeth but f; the letter v is b."
    ),
)
