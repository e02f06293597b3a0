import ssl
from pathlib import Path

import pytest

from shared import tls
from shared.errors import Misconfiguration

REGION = {"AWS_REGION": "eu-central-1"}
FILES = sorted(Path(tls.CERTIFICATES).glob("*.pem"))


@pytest.mark.parametrize(
    "host", ["/run/postgresql", "@abstract", "localhost", "127.0.0.1", "::1", "localhost,/run"]
)
def test_a_server_on_this_machine_needs_none(host: str) -> None:
    assert tls.parameters({"PGHOST": host}) == {}


@pytest.mark.parametrize(
    "host", ["db.example", "10.0.0.7", "localhost,db.example", "fd00::1", "127.example"]
)
def test_any_other_is_verified(host: str) -> None:
    parameters = tls.parameters({"PGHOST": host, **REGION})
    assert parameters["sslmode"] == "verify-full"
    assert parameters["sslrootcert"] == f"{tls.CERTIFICATES}/eu-central-1.pem"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PGSSLMODE": "disable"}, {"sslmode": "disable"}),
        ({"PGSSLMODE": "require"}, {"sslmode": "require"}),
        ({"PGSSLROOTCERT": "own.pem"}, {"sslmode": "verify-full"}),
        ({"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": "own.pem"}, {"sslmode": "verify-ca"}),
    ],
)
def test_what_the_environment_says_counts(given: dict[str, str], expected: dict[str, str]) -> None:
    assert tls.parameters({"PGHOST": "db.example", **given}) == expected


@pytest.mark.parametrize("region", ["", "mars-north-1"])
def test_a_region_whose_authorities_are_not_known_is_said(region: str) -> None:
    with pytest.raises(Misconfiguration, match="PGSSLROOTCERT must name the file"):
        tls.parameters({"PGHOST": "db.example", "AWS_REGION": region})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_region_has_its_authorities(file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    names = [str(certificate["subject"]) for certificate in context.get_ca_certs()]
    for algorithm in ("RSA2048", "RSA4096", "ECC384"):
        assert any(f"Amazon RDS {file.stem} Root CA {algorithm} G1" in name for name in names)
    assert any("Amazon Root CA 1" in name for name in names)  # of RDS Proxy


def test_regions_are_there() -> None:
    assert {"us-east-1", "eu-central-1"} <= {file.stem for file in FILES}
