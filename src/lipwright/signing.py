"""Who signs what lipwright writes: a certificate of the user's, or one made on this machine (extra ``c2pa``)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from lipwright import registry
from lipwright.errors import OutputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

DAYS = 3650
NAME = "lipwright on this machine"


@dataclass(frozen=True)
class Identity:
    """A certificate with its chain and its key, PEM, and ``algorithm``, C2PA's name for what the key does."""

    chain: bytes
    key: bytes
    algorithm: str


def identity() -> Identity:
    """Whose certificate signs: the one that ``LIPWRIGHT_CERTIFICATE`` and ``LIPWRIGHT_KEY`` name, else this machine's
    own, made now where there is none yet.

    Raises OutputError: a file that is missing or holds no certificate, or no key without a password; a key that is not
    the certificate's; only one of the two is named.
    """
    named = tuple(os.environ.get(name, "") for name in ("LIPWRIGHT_CERTIFICATE", "LIPWRIGHT_KEY"))
    if any(named) and not all(named):
        raise OutputError(
            "LIPWRIGHT_CERTIFICATE and LIPWRIGHT_KEY name the two files that sign; one of them is not set"
        )
    certificate, key = (Path(name) for name in named) if all(named) else _own()
    try:
        chain, secret = certificate.read_bytes(), key.read_bytes()
    except OSError as error:
        raise OutputError(
            f"{error.filename} cannot be read ({error.strerror}); it is to sign what is written"
        ) from error
    return _read(certificate, key, chain, secret)


@cache
def _read(certificate: Path, key: Path, chain: bytes, secret: bytes) -> Identity:
    """The identity in the content of two files."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        first = x509.load_pem_x509_certificate(chain)
    except ValueError as error:
        raise OutputError(f"{certificate} holds no certificate (PEM); LIPWRIGHT_CERTIFICATE names it") from error
    try:
        private = serialization.load_pem_private_key(secret, None)
    except (TypeError, UnsupportedAlgorithm, ValueError) as error:
        raise OutputError(f"{key} holds no key without a password (PEM, PKCS #8); LIPWRIGHT_KEY names it") from error
    if private.public_key() != first.public_key():
        raise OutputError(
            f"the key {key} is not that of the certificate {certificate}; give the two that belong together"
        )
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Identity(chain, private.private_bytes(*plain), _algorithm(private, key))


def _algorithm(private: PrivateKeyTypes, key: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in curves:
        return curves[private.curve.name]
    raise OutputError(f"{key} is a kind of key that C2PA does not know; give P-256, P-384, P-521, Ed25519 or RSA")


def signer() -> Any:
    """What the library ``c2pa`` signs with; no time stamp is asked of anybody."""
    import c2pa

    who = identity()
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(who.algorithm.encode(), who.chain, who.key, None))


def _own() -> tuple[Path, Path]:
    """This machine's certificate and key, in the cache; made where they are not there."""
    folder = registry.cache_dir() / "signing"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not (certificate.is_file() and key.is_file()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _kept(key, _secret, first=True)
            _kept(certificate, partial(_chain, key.read_bytes()))
        except OSError as error:
            why = f"no certificate can be kept in {folder} ({error.strerror})"
            raise OutputError(f"{why}; free some space, or set LIPWRIGHT_SIGN=off") from error
        except ValueError as error:
            raise OutputError(f"{key} is damaged; delete it, and another is made") from error
    return certificate, key


def _kept(path: Path, make: Callable[[], bytes], *, first: bool = False) -> None:
    """A file that only its owner may read, whole or not at all; where it must be the ``first``, one that is there
    stays: processes that begin at once make certificates of one key."""
    if first and path.exists():
        return
    beside = path.with_suffix(f".{os.getpid()}.{token_hex(4)}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make())
        if not first:
            beside.replace(path)
            return
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        except OSError:  # a disk that knows no links
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _secret() -> bytes:
    """A new key: P-256, as C2PA 2.x asks (section 14.5)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form)


def _chain(secret: bytes) -> bytes:
    """A new chain for a key, leaf first, for ten years."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    top, leaf = ec.generate_private_key(ec.SECP256R1()), serialization.load_pem_private_key(secret, None)
    issuer = _certificate(f"{NAME}, authority", top, f"{NAME}, authority", top, authority=True)
    first = _certificate(NAME, leaf, f"{NAME}, authority", top, authority=False)
    pem = serialization.Encoding.PEM
    return first.public_bytes(pem) + issuer.public_bytes(pem)


def _certificate(subject: str, key: Any, issuer: str, by: Any, *, authority: bool) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        pairs = ((NameOID.ORGANIZATION_NAME, "lipwright"), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])

    now = datetime.now(UTC)
    uses = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage = x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **uses)
    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=DAYS))
    made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    made = made.add_extension(usage, critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    if not authority:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return made.sign(by, hashes.SHA256())
