"""A self-signed certificate for 127.0.0.1, made with the pycryptodome that minio brings."""

import base64
import time
from pathlib import Path

from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

SEQUENCE, SET, INTEGER, BITS, OCTETS, OID, UTF8, UTC = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06, 0x0C, 0x17
SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
COMMON_NAME = bytes.fromhex("550403")
ALTERNATIVE_NAME = bytes.fromhex("551d11")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) as PEM files."""
    key = RSA.generate(2048)
    algorithm = _der(SEQUENCE, _der(OID, SHA256_WITH_RSA), b"\5\0")
    name = _der(SEQUENCE, _der(SET, _der(SEQUENCE, _der(OID, COMMON_NAME), _der(UTF8, b"reelmill tests"))))
    loopback = _der(SEQUENCE, _der(0x87, bytes([127, 0, 0, 1])))
    extensions = _der(
        SEQUENCE,
        _der(SEQUENCE, _der(OID, ALTERNATIVE_NAME), _der(OCTETS, loopback)),
    )
    body = _der(
        SEQUENCE,
        _der(0xA0, _der(INTEGER, b"\2")),
        _der(INTEGER, b"\1"),
        algorithm,
        name,
        _der(SEQUENCE, _time(-86400), _time(86400)),
        name,
        key.public_key().export_key("DER"),
        _der(0xA3, extensions),
    )
    signature = pkcs1_15.new(key).sign(SHA256.new(body))
    text = base64.encodebytes(_der(SEQUENCE, body, algorithm, _der(BITS, b"\0", signature))).decode()
    certificate, private = folder / "ca.crt", folder / "key.pem"
    certificate.write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    private.write_bytes(key.export_key("PEM"))
    return certificate, private


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _time(offset: float) -> bytes:
    return _der(UTC, time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + offset)).encode())
