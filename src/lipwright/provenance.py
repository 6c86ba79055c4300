"""What an output says of itself: that it was edited with lipwright, how, when, and from which files.

Every video and sound says so in the tags ``comment`` and ``creation_time``. With the extra ``c2pa`` a file of a kind
that can hold one (`SIGNED`) also carries a signed manifest (C2PA 2.x, "Content Credentials"): the actions
``c2pa.opened`` and ``c2pa.edited``, what was made by a trained network as the IPTC's "composite with trained
algorithmic media", and, in the assertion ``org.lipwright.inputs``, the sha256 of all inputs. Tags can be taken off by
anybody; so can a manifest, but it cannot be changed unseen.

====================================================  ==========================================================
environment variable
====================================================  ==========================================================
``LIPWRIGHT_CERTIFICATE``, ``LIPWRIGHT_KEY``          who signs: PEM files, a certificate with its chain, and its key
``LIPWRIGHT_SIGN=off``                                tags alone
``SOURCE_DATE_EPOCH``                                 when: seconds since 1970, for files that are the same every time
====================================================  ==========================================================

Without a certificate one is made on this machine and kept in the cache: it shows that a file was not changed since, and
by no means who made it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lipwright import __version__, signing
from lipwright.errors import InputError, OutputError
from lipwright.ondisk import content_key
from lipwright.types import Edit

SIGNED = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".wav": "audio/wav", ".flac": "audio/flac",
    ".mp3": "audio/mpeg", ".m4a": "audio/mp4",
}  # fmt: skip
"""Kinds of file that can hold a manifest; Matroska, WebM and Ogg cannot."""
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
}
SOURCE_TYPES = {
    "composite": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    "synthetic": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
}
"""The IPTC's names for what an `Edit` put in."""
SAYS = "edited with lipwright"


@dataclass(frozen=True)
class Origin:
    """Where an output comes from: the ``edits`` made, the ``inputs`` (role, file, sha256), and ``when`` (UTC)."""

    edits: tuple[Edit, ...]
    inputs: tuple[tuple[str, Path, str], ...]
    when: datetime

    def tags(self) -> dict[str, str]:
        """``comment`` and ``creation_time`` of the file."""
        said = f"{SAYS} {__version__}"
        said += f": {', '.join(edit.what for edit in self.edits)}" if self.edits else ""
        said += "".join(f"; {role} sha256 {sha}" for role, _, sha in self.inputs)
        return {"comment": said, "creation_time": self.when.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}


def origin(edits: Sequence[Edit], **files: Path | None) -> Origin:
    """The origin of an output made now from ``files``, by role; files that are not there are left out."""
    inputs = [(role, file, content_key(file)) for role, file in files.items() if file is not None and file.is_file()]
    return Origin(tuple(edits), tuple(inputs), _now())


def _now() -> datetime:
    """Now, or what ``SOURCE_DATE_EPOCH`` says (reproducible-builds.org). InputError where no calendar goes so far."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not said.isdecimal():
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(said), UTC)
    except (OSError, OverflowError, ValueError) as error:
        raise InputError(
            f"SOURCE_DATE_EPOCH is {said[:20]}, beyond any year; give seconds since 1970, or unset it"
        ) from error


def wanted(path: Path) -> bool:
    """Whether a file of this kind is signed: the extra is there, it is not switched off, and the kind can hold it.

    Raises OutputError where a certificate is named that cannot sign, so that a verb may ask before its long work.
    """
    if os.environ.get("LIPWRIGHT_SIGN", "").lower() in ("off", "0", "no", "false"):
        return False
    if find_spec("c2pa") is None or path.suffix.lower() not in SIGNED:
        return False
    signing.identity()
    return True


def sign(part: Path, origin: Origin, title: str) -> None:
    """Put a signed manifest into the finished file ``part``, which is called ``title`` later; nothing where it is not
    `wanted`. Raises OutputError where it cannot be signed."""
    if not wanted(part):
        return
    import c2pa

    signed = part.with_name(f"{part.stem}.signed{part.suffix}")
    kind = SIGNED[part.suffix.lower()]
    try:
        builder = c2pa.Builder(_claim(origin, title))
        _begun(builder, origin)
        with part.open("rb") as plain, signed.open("w+b") as made:
            builder.sign(signing.signer(), kind, plain, made)
        signed.replace(part)
    except c2pa.C2paError as error:
        raise OutputError(f"{title} cannot be signed: {error}; LIPWRIGHT_SIGN=off writes it with tags alone") from error
    finally:
        signed.unlink(missing_ok=True)


def _claim(origin: Origin, title: str) -> dict[str, Any]:
    """The manifest, but for what it was made from."""
    agent, when = {"name": "lipwright", "version": __version__}, origin.when.strftime("%Y-%m-%dT%H:%M:%SZ")
    edits = origin.edits or (Edit("written"),)
    actions = [
        {"action": "c2pa.edited", "when": when, "softwareAgent": agent, "description": edit.what}
        | ({"digitalSourceType": SOURCE_TYPES[edit.made]} if edit.made else {})
        for edit in edits
    ]
    inputs = [{"role": role, "sha256": sha} for role, _, sha in origin.inputs]
    return {
        "claim_generator_info": [agent],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": "org.lipwright.inputs", "data": {"inputs": inputs}},
        ],
    }


def _begun(builder: Any, origin: Origin) -> None:
    """Say what the work began with: the first input that the library reads is the parent, others are components;
    where there is none, the file was created."""
    import c2pa

    parents = 0
    for role, file, _ in origin.inputs:
        kind = (SIGNED | PICTURES).get(file.suffix.lower())
        relation = "componentOf" if parents else "parentOf"
        if kind is None:
            continue
        try:
            with file.open("rb") as content:
                builder.add_ingredient(json.dumps({"title": role, "relationship": relation}), kind, content)
            parents += 1
        except c2pa.C2paError:  # a file that the library cannot read; its sha256 is told all the same
            continue
    if parents:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    else:
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.COMPOSITE_SYNTHETIC)


@dataclass(frozen=True)
class Manifest:
    """What a C2PA manifest says: ``intact``, nothing was changed since it was signed; ``trusted``, an authority known
    here vouches for ``signer``; ``actions``, what was done; ``problems``, codes of what is wrong."""

    intact: bool
    trusted: bool
    signer: str
    actions: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What a file says of itself: the ``comment`` of lipwright ("" where there is none), the ``created`` tag, and the
    ``manifest``, None where there is none or the extra ``c2pa`` is missing."""

    comment: str
    created: str
    manifest: Manifest | None

    def lines(self) -> list[str]:
        """For people."""
        lines = [f"says of itself: {self.comment}"] if self.comment else []
        if self.manifest is not None:
            state = "unchanged since" if self.manifest.intact else "CHANGED since"
            vouched = "" if self.manifest.trusted else ", for whom no known authority vouches"
            lines.append(f"C2PA manifest: {state} it was signed by {self.manifest.signer}{vouched}")
        return lines


def told(path: Path, tags: Mapping[str, str]) -> Told:
    """What the file at ``path`` says of itself; ``tags``, its metadata as `lipwright.media.probe` gives it."""
    low = {name.lower(): value for name, value in tags.items()}
    comment = low.get("comment", "")
    return Told(comment if SAYS in comment else "", low.get("creation_time", ""), manifest(path))


def manifest(path: Path) -> Manifest | None:
    """The C2PA manifest of a file; None where it has none, or the extra ``c2pa`` is missing."""
    if find_spec("c2pa") is None or path.suffix.lower() not in SIGNED | PICTURES:
        return None
    import c2pa

    try:
        with c2pa.Reader(str(path)) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError:
        return None
    active = found.get("manifests", {}).get(found.get("active_manifest", ""), {})
    codes = [entry["code"] for entry in found.get("validation_status", ())]
    wrong = tuple(code for code in codes if code != "signingCredential.untrusted")
    return Manifest(not wrong, not codes, _signer(active), _actions(active), wrong)


def _signer(active: Mapping[str, Any]) -> str:
    info = active.get("signature_info", {})
    name, house = (str(info.get(key) or "") for key in ("common_name", "issuer"))
    return f"{name} of {house}" if name and house and house not in name else name or house or "nobody"


def _actions(active: Mapping[str, Any]) -> tuple[str, ...]:
    said = [one["data"]["actions"] for one in active.get("assertions", ()) if one["label"].startswith("c2pa.actions")]
    return tuple(action["action"] for actions in said for action in actions)
