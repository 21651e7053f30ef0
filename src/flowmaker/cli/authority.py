"""The certificate authority of `flowmaker exec`: it speaks for *.amazonaws.com, to its own only.

Its key is made at the first use, stays in the data folder for its owner's eyes only, and nothing
but the environment of a command that `flowmaker exec` runs is told to trust it.
"""

import ssl
from datetime import timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flowmaker.clock import Clock
from flowmaker.server.data_folder import write_private

LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=30)
#: Clocks may differ a little.
BEFORE = timedelta(hours=1)


class Authority:
    """Issues certificates for host names, from a key in `folder`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._contexts: dict[str, ssl.SSLContext] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._certificate_file.exists():
            self._make()
        self._key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        self._certificate = x509.load_pem_x509_certificate(self._certificate_file.read_bytes())

    @property
    def bundle(self) -> Path:
        """A file of certificates to trust: the usual ones, and this authority's."""
        path = self._folder / "bundle.pem"
        usual = Path(certifi.where()).read_text()
        write_private(path, usual + self._certificate_file.read_text())
        return path

    def context(self, host: str) -> ssl.SSLContext:
        """What a TLS server that answers as `host` needs."""
        if host not in self._contexts:
            self._contexts[host] = self._issue(host)
        return self._contexts[host]

    @property
    def _key_file(self) -> Path:
        return self._folder / "key.pem"

    @property
    def _certificate_file(self) -> Path:
        return self._folder / "certificate.pem"

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Flowmaker, this machine only")])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = (
            self._builder(name, LIFE)
            .issuer_name(name)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_file, _pem(key))
        write_private(self._certificate_file, made.public_bytes(_PEM).decode())

    def _issue(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        assert isinstance(self._key, ec.EllipticCurvePrivateKey)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = (
            self._builder(name, LEAF_LIFE)
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"leaf-{host}.pem"
        write_private(file, _pem(key) + made.public_bytes(_PEM).decode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        file.unlink()
        return context

    def _builder(self, name: x509.Name, life: timedelta) -> x509.CertificateBuilder:
        now = self._clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BEFORE)
            .not_valid_after(now + life)
        )


_PEM = serialization.Encoding.PEM


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
