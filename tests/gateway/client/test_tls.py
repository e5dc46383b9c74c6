"""Subgraphs over TLS, with certificates that are right and wrong; both clients."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.client.carrying import awaited
from gateway.client.errors import TimedOut, Unreachable
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.client.wires import trusted_by
from gateway.settings import SubgraphSettings
from tests.gateway.client.raw_server import KINDS, Kind, answer, client_at, request_in, serving

Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
LATER = b"x" * 200_000


def certificate(signer: Signer | None, host: str = "localhost", days: int = 1) -> Signer:
    """For a host, or, without a signer, of an authority; expired where it has negative days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(signer[0].subject if signer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(signer is None, None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)]
            ),
            critical=False,
        )
    )
    return built.sign(signer[1] if signer else key, hashes.SHA256()), key


def written(folder: Path, name: str, signed: Signer) -> Path:
    file = folder / f"{name}.pem"
    private = signed[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed[0].public_bytes(Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    authority = certificate(None, "authority")
    signed = {
        "authority": authority,
        "good": certificate(authority),
        "by address": certificate(authority, "127.0.0.1"),
        "wrong host": certificate(authority, "elsewhere.example"),
        "expired": certificate(authority, days=-1),
        "self-signed": certificate(None),
    }
    return {name: written(folder, name, each) for name, each in signed.items()}


@asynccontextmanager
async def tls_server(file: Path) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await request_in(reader):
                writer.write(answer(request.partition(b"\r\n\r\n")[2] + LATER))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "host"), [("good", "localhost"), ("by address", "127.0.0.1")])
async def test_a_certificate_of_a_known_authority_is_trusted(
    kind: Kind, name: str, host: str, certificates: dict[str, Path]
) -> None:
    settings = SubgraphSettings(client=kind, ca_file=certificates["authority"])
    async with tls_server(certificates[name]) as port, client_at(f"https://{host}:{port}/", settings) as client:
        for body in (b"1", b"2", b"3"):
            assert await awaited(client.carrier, WireRequest(body)) == WireAnswer(200, body + LATER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["wrong host", "expired", "self-signed"])
async def test_a_wrong_certificate_is_refused(kind: Kind, name: str, certificates: dict[str, Path]) -> None:
    settings = SubgraphSettings(client=kind, ca_file=certificates["authority"])
    async with tls_server(certificates[name]) as port, client_at(f"https://localhost:{port}/", settings) as client:
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await awaited(client.carrier, WireRequest(b"{}"))


@pytest.mark.parametrize("kind", KINDS)
async def test_an_authority_that_nobody_named_is_not_trusted(kind: Kind, certificates: dict[str, Path]) -> None:
    async with (
        tls_server(certificates["good"]) as port,
        client_at(f"https://localhost:{port}/", SubgraphSettings(client=kind)) as client,
    ):
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await awaited(client.carrier, WireRequest(b"{}"))


@pytest.mark.parametrize("kind", KINDS)
async def test_plain_text_where_tls_is_spoken_is_unreachable(kind: Kind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer(b"{}"))
        await writer.drain()

    settings = SubgraphSettings(client=kind, timeout_s=5)
    async with serving(talk) as url, client_at(url.replace("http:", "https:"), settings) as client:
        with pytest.raises(Unreachable):
            await awaited(client.carrier, WireRequest(b"{}"))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_handshake_that_never_ends_times_out(kind: Kind) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    settings = SubgraphSettings(client=kind, timeout_s=0.3)
    async with serving(talk) as url, client_at(url.replace("http:", "https:"), settings) as client:
        with pytest.raises(TimedOut):
            await awaited(client.carrier, WireRequest(b"{}"))


def test_a_file_without_authorities_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "authorities.pem"
    with pytest.raises(ValueError, match=r"ca_file .*authorities\.pem"):
        trusted_by(SubgraphSettings(ca_file=file))
    file.write_text("no certificate")
    with pytest.raises(ValueError, match=r"ca_file .*authorities\.pem"):
        trusted_by(SubgraphSettings(ca_file=file))
