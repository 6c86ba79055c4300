"""Languages say which sounds they have and what the lips do for them. A file here is a member; its name is its code.

A member has ``LANGUAGE``, a `Language`. Nothing else has to be edited: the new member appears in ``lipwright models``
and in the family's contract tests by itself. A language without a file is one, too: its sounds go by their IPA letters
(`lipwright.phones`), and espeak-ng says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lipwright import registry


@dataclass(frozen=True)
class Language:
    """One language.

    ``name`` in English; ``voice``, the code by which espeak-ng knows it; ``sample``, a sentence in its script (article
    1 of the Universal Declaration of Human Rights); ``visemes``, its phones as espeak-ng writes them, parted by spaces,
    by the Oculus viseme with which each begins; ``spelling``, phones that look otherwise than their letters say, each
    with IPA that does say it; ``notes``, what the lips do here that they do not do everywhere.
    """

    name: str
    voice: str
    sample: str
    visemes: Mapping[str, str]
    spelling: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""

    @cached_property
    def inventory(self) -> dict[str, str]:
        """Every phone of the language and the viseme with which it begins."""
        return {symbol: viseme for viseme, symbols in self.visemes.items() for symbol in symbols.split()}


def code(language: str) -> str:
    """The member's name for a language code: ``zh-CN`` and ``cmn`` are zh, ``pt-BR`` is pt, ``en_US`` is en."""
    first = language.strip().lower().replace("_", "-").partition("-")[0]
    return {"cmn": "zh"}.get(first, first)


def voice(language: str) -> str:
    """The code by which espeak-ng is asked for a language: that of its file, or the given one where it names a region
    (``pt-BR``, ``en-GB``), which espeak-ng may know."""
    return language if "-" in language or "_" in language else find(language).voice


def find(language: str) -> Language:
    """The language of a code, such as ``fr``, ``zh-CN`` or ``pt-BR``; one without a file has no inventory of its own,
    and is said by espeak-ng's voice of that code."""
    name = code(language)
    if name not in registry.members("languages"):
        return Language(language, language, "", {})
    found: Language = registry.load("languages", name).LANGUAGE
    return found
