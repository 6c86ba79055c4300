"""Whether a text is written in the script of its language."""

from __future__ import annotations

import unicodedata
from collections import Counter

from lipwright.errors import InputError

_OWN = {
    "CYRILLIC": "ru uk be bg mk sr kk ky ba cv tt os",
    "ARABIC": "ar fa ur sd ug ps",
    "DEVANAGARI": "hi mr ne kok",
    "CJK": "zh cmn yue hak",
    "JAPANESE": "ja",
    "HANGUL": "ko",
    "GREEK": "el grc",
    "HEBREW": "he",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "BENGALI": "bn as bpy",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "SINHALA": "si",
    "MYANMAR": "my",
    "ETHIOPIC": "am ti",
    "LATIN": "en fr de es it pt nl da sv nb nn no fi et lv lt pl cs sk sl hr hu ro tr az sq eu ca gl cy ga is mt af sw "
    "id ms vi tl eo la",
}
_OF = {language: script for script, languages in _OWN.items() for language in languages.split()}
_SAME = {"HIRAGANA": "JAPANESE", "KATAKANA": "JAPANESE"}
_BOTH = {("JAPANESE", "CJK"), ("CJK", "LATIN"), ("CYRILLIC", "LATIN")}
"""A script of a language, and another that it is also written in: kanji, pinyin, Serbian."""


def checked(text: str, language: str) -> None:
    """Raises InputError where most letters of ``text`` are of another script than ``language`` is written in; of a
    language that is not known here nothing is said."""
    wanted = _OF.get(language.lower().replace("_", "-").split("-")[0])
    found = Counter(script for c in text if c.isalpha() and (script := _script(c)))
    if wanted is None or not found:
        return
    fitting = sum(count for script, count in found.items() if script == wanted or (wanted, script) in _BOTH)
    if wanted == "CYRILLIC" and not language.lower().startswith("sr"):
        fitting = found[wanted]
    if 2 * fitting < found.total():
        most = found.most_common(1)[0][0]
        raise InputError(
            f"the text is written in {most.title()} letters, and {language!r} in {wanted.title()}; "
            f"name the text's own language{_such(most)} (--language), or write it in that script"
        )


def _such(script: str) -> str:
    return f", such as {_OWN[script].split()[0]}" if script in _OWN else ""


def _script(letter: str) -> str:
    word = unicodedata.name(letter, "").split(" ")[0]
    return _SAME.get(word, word)
