"""Mandarin Chinese."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Mandarin Chinese",
    voice="cmn",
    sample="人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    visemes={
        "PP": "m p ph",
        "FF": "f",
        "DD": "t th",
        "kk": "k kh x ŋ χ",
        "CH": "s. ts. ts.h tɕ tɕh ɕ ʂ ʃ ʐ",
        "SS": "s ts tsh",
        "nn": "l n",
        "aa": "a ai ɑ ɑu",
        "E": "ei ə ər",
        "ih": "i i. io iou iɑ iɑu iɛ i̪ j",
        "oh": "o ou ɒ",
        "ou": "u ua uai uei uo uɑ uə w y yu yæ yə yɛ",
    },
    notes=(
        "Tones are ignored: they do not show on the lips. y yɛ yə are rounded in front, u uo ou at the back; "
        "after s. ts. ts.h the vowel i. is made with the teeth close. f is the only sound of lip and teeth; "
        "there is no v."
    ),
)
