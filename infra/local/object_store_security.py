"""Shut SeaweedFS's inner doors: only S3, with its keys, is left open on loopback.

Its filer and volume servers answer anybody on the machine unless told otherwise, without a key and for every tenant.
In: the store's folder. Out: `security.toml` there, made once: HTTP wants signed tokens, gRPC a certificate of ours.
"""

import datetime
import ipaddress
import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
WITH_CERTIFICATE = ("volume", "master", "filer", "s3", "client", "admin", "worker", "msg_broker", "msg_agent")
CERTIFICATE = "grpc.pem"  # a relative name, so that the data folder may be moved
# It never leaves this machine and goes when the data goes; fixed dates need no clock.
VALID_FROM, VALID_UNTIL = datetime.datetime(2020, 1, 1), datetime.datetime(2099, 1, 1)


def write_security(folder: Path) -> None:
    """`security.toml` and `grpc.pem`; weed reads the former from the folder that it runs in."""
    settings = folder / "security.toml"
    if settings.exists():
        return
    _write(folder / CERTIFICATE, _certificate())
    lines = []
    for section in SIGNED:
        lines += [f"[{section}]", f'key = "{secrets.token_hex(32)}"', "expires_after_seconds = 60"]
    lines += ["[grpc]", f'ca = "{CERTIFICATE}"']
    for section in WITH_CERTIFICATE:
        lines += [f"[grpc.{section}]", f'cert = "{CERTIFICATE}"', f'key = "{CERTIFICATE}"']
    _write(settings, "\n".join(lines) + "\n")


def _certificate() -> str:
    """Self-signed, its own authority, for both ends of a connection."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "d2r object store")])
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (certificate.public_bytes(Encoding.PEM) + private).decode()


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    fresh.rename(file)
