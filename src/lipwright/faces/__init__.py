"""Faces in a clip: detect, follow, tell apart, choose; fit the rigid pose, align and crop.

``tracks`` finds everybody and follows them through the clip, ``choose`` picks whom is meant, ``track`` is the
person that is largest most of the time.

A *canonical* face is MediaPipe's 468-point mesh averaged over many people: the unit is the distance
between the outer eye corners, x goes to the picture's right, y down, z away from the camera, and the
origin lies midway between the outer eye corners. `fit_pose` finds where a face of a picture stands
against it; `to_canonical` takes the pose out, `from_canonical` puts it back.
"""

from lipwright.faces.cast import (
    choose as choose,
    largest as largest,
    said as said,
    seconds as seconds,
    track as track,
    tracks as tracks,
)
from lipwright.faces.detecting import Box as Box, Detector as Detector
from lipwright.faces.geometry import (
    CROP as CROP,
    CROP_SPAN as CROP_SPAN,
    CROP_TOP as CROP_TOP,
    INNER_LIPS as INNER_LIPS,
    INNER_LOWER as INNER_LOWER,
    INNER_UPPER as INNER_UPPER,
    LOWER_SPAN as LOWER_SPAN,
    LOWER_TOP as LOWER_TOP,
    OUTER_LIPS as OUTER_LIPS,
    STABLE as STABLE,
    Canonical as Canonical,
    Pose as Pose,
    boxes as boxes,
    canonical as canonical,
    fit_pose as fit_pose,
    from_canonical as from_canonical,
    in_crop as in_crop,
    lower_crop as lower_crop,
    lower_matrices as lower_matrices,
    mouth_crop as mouth_crop,
    mouth_matrices as mouth_matrices,
    opening as opening,
    steady_pose as steady_pose,
    to_canonical as to_canonical,
)
