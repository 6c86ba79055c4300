"""Turkish."""

from __future__ import annotations

from lipwright.languages import Language

LANGUAGE = Language(
    name="Turkish",
    voice="tr",
    sample=(
        "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve "
        "birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler."
    ),
    visemes={
        "PP": "b m p",
        "FF": "f v",
        "DD": "d r t ɾ",
        "kk": "c h k ŋ ɟ ɡ ɣ",
        "CH": "dʒ tʃ ʃ ʒ",
        "SS": "s z",
        "nn": "l n ɫ",
        "aa": "a æ",
        "E": "e ɛ",
        "ih": "i j ɪ ɯ",
        "oh": "o ø œ ɔ",
        "ou": "u w y ʊ",
    },
    notes=(
        "Vowel harmony: rounded y ø u o go with rounded ones, spread i e ɯ a with theirs, so that rounding "
        "often lasts over a word. ɯ is close and spread."
    ),
)
