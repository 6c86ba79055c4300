"""Turn a dataset into what training reads: conformed, tracked, cropped, levelled, in sync.

What ``prepare`` writes (``PREPARED``)::

    manifest.csv        a line for each recording: what was measured, decided, and why (verb.Row)
    skipped.csv         id, why
    clips/<id>.npz      25 fps, one row a frame, one shot, one face, a minute at most:
        crop     uint8 (T, 48, 64)       grey aligned mouth crop (faces.mouth_crop)
        motion   float16 (T, 177, 3)     canonical().moving, pose and size taken out, eye distances
        opening  float32 (T,)            inner-lip opening, eye distances
        pose     float32 (T, 3)          yaw, pitch, roll, degrees
        present  bool (T,)               the face was found
        samples  int16 (N,)              16 kHz mono, -23 LUFS; sample 0 sounds when frame 0 is shown
    shards/             the same clips once more, where asked for (lipwright.shards)
    found/              what was found of each file, whatever became of it: for the next run
"""

from lipwright.prepare.verb import prepare

__all__ = ["prepare"]
