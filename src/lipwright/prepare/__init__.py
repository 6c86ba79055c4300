"""Turn a dataset into what training reads: conformed, tracked, cropped, normalised.

What ``prepare`` writes (``PREPARED``)::

    manifest.csv        id, speaker, split, language, frames, source
    skipped.csv         id, why
    clips/<id>.npz      25 fps, one row a frame:
        crop     uint8 (T, 48, 64)       grey aligned mouth crop (faces.mouth_crop)
        motion   float16 (T, 177, 3)     canonical().moving, pose and size taken out, eye distances
        opening  float32 (T,)            inner-lip opening, eye distances
        pose     float32 (T, 3)          yaw, pitch, roll, degrees
        present  bool (T,)               the face was found
        samples  int16 (N,)              16 kHz mono; sample 0 sounds when frame 0 is shown
"""

from lipwright.prepare.verb import prepare

__all__ = ["prepare"]
