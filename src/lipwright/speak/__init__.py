"""Speak a text in any language, also in the voice of a recording, also in given slots of time."""

from lipwright.speak.for_clip import speak_for, stretched
from lipwright.speak.slots import fitted, segments, speak_in
from lipwright.speak.verb import checked_text, speak

__all__ = ["checked_text", "fitted", "segments", "speak", "speak_for", "speak_in", "stretched"]
