"""Arabic."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Arabic",
    voice="ar",
    sample=(
        "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم "
        "بعضًا بروح الإخاء."
    ),
    visemes={
        "PP": "b m",
        "FF": "f",
        "TH": "ð θ",
        "DD": "d dˤ r t",
        "kk": "h k q x ħ ɣ ʔ ʕ χ",
        "CH": "dʒ ʃ",
        "SS": "s s̪ z",
        "nn": "l n",
        "RR": "ɹ",
        "aa": "a a. aː",
        "ih": "i i. j",
        "ou": "u u. w",
    },
    notes=(
        "Three vowels, short and long; u and w are rounded. b and m close the lips; there is no p and no v. "
        "Sounds made deep in the throat (ħ ʕ q χ) leave the lips as the vowels want them."
    ),
)
