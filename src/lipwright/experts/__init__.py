"""Sync experts: two encoders and nothing else. A file here is a member; its name is its public name.

A member has a class ``Expert``, built without arguments (``weights=`` replaces its shipped files), with

- ``face``: a `lipwright.types.FaceSpec`, the pictures it sees; ``audio``: an `lipwright.types.AudioSpec`;
- ``embed_video(crops)``: uint8 (T, H, W) or (T, H, W, 3) pictures cut as ``face`` says, at its fps, to
  float32 (T, D), a row of NaN where a picture could not be judged;
- ``embed_audio(audio)``: sound to float32 (U, D), one row a frame of ``face.fps``.

Offset, distance, contrast and the curve are derived by `lipwright.sync` from the two, for any member.
"""
