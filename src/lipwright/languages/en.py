"""English."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="English",
    voice="en-us",
    sample=(
        "All human beings are born free and equal in dignity and rights. They are endowed with reason and "
        "conscience and should act towards one another in a spirit of brotherhood."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f v",
        "TH": "ð θ",
        "DD": "d t ɾ",
        "kk": "h k ŋ ɡ ʔ",
        "CH": "dʒ tʃ ʃ ʒ",
        "SS": "s z",
        "nn": "l n n̩",
        "RR": "ɹ",
        "aa": "aɪ aɪə aɪɚ aʊ æ ɐ ɑː ɑːɹ ʌ",
        "E": "eɪ ə əl ɚ ɛ ɛɹ ɜː",
        "ih": "i iə iː j ɪ ɪɹ ᵻ",
        "oh": "oʊ oː ɔɪ ɔː ɔːɹ",
        "ou": "uː w ʊ ʊɹ",
    },
    notes=(
        "p b m close the lips, f v bring the lower lip to the teeth. u and w are fully rounded, o and ɔ less,"
        " ʃ ʒ tʃ dʒ and ɹ a little. The rounding of oʊ grows to its end. Length goes with quality (iː against"
        " ɪ)."
    ),
)
