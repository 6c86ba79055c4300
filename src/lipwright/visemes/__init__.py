"""`visemes`: mouth shapes and blendshape curves of a speech or a video, for animated characters."""

from lipwright.visemes.verb import Found as Found, visemes as visemes
