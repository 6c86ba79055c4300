"""German."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="German",
    voice="de",
    sample=(
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen "
        "begabt und sollen einander im Geist der Brüderlichkeit begegnen."
    ),
    visemes={
        "PP": "b m p pf",
        "FF": "f v",
        "DD": "d r t ɾ",
        "kk": "h k x ç ŋ ɡ ʔ",
        "CH": "dʒ tʃ ʃ ʒ",
        "SS": "s ts z",
        "nn": "l n",
        "aa": "a aɪ aʊ ɐ ɑː",
        "E": "e eː ə ɛ ɛː ɜ",
        "ih": "i iɐ iː j ɪ",
        "oh": "o oː ø øː œ ɔ ɔø",
        "ou": "u uː y yː ʊ ʊɐ ʏ",
    },
    spelling={"ʃ": "ʃʷ"},
    notes=(
        "Rounded front vowels y ø ʏ œ and a strongly rounded ʃ. Length is told apart: long vowels are closer "
        "and more rounded than short ones. pf closes the lips and then brings the lower lip to the teeth."
    ),
)
