"""The TLS that a connection to the database must have: fully verified, unless it stays here.

Sources: "Using SSL/TLS to encrypt a connection to a DB instance or cluster", Amazon RDS user guide;
"SSL Support", chapter libpq of the PostgreSQL documentation.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from shared.errors import Misconfiguration

# Of each region the authorities that sign for RDS, and those that sign for RDS Proxy.
CERTIFICATES = Path(__file__).with_name("certificates")


def parameters(environment: Mapping[str, str]) -> dict[str, str]:
    """libpq's `sslmode` and `sslrootcert`, where PGSSLMODE and PGSSLROOTCERT leave them open.

    Raises Misconfiguration when there is nothing to verify a certificate with.
    """
    mode = environment.get("PGSSLMODE")
    if not mode:
        if all(map(_is_here, environment["PGHOST"].split(","))):
            return {}
        mode = "verify-full"
    if not mode.startswith("verify") or environment.get("PGSSLROOTCERT"):
        return {"sslmode": mode}
    region = environment.get("AWS_REGION", "")
    authorities = CERTIFICATES / f"{region}.pem"
    if not authorities.is_file():
        raise Misconfiguration(
            "PGSSLROOTCERT must name the file of the authorities that sign the database's"
            f" certificate: those of the region {region or '(AWS_REGION is not set)'} are not known"
        )
    return {"sslmode": mode, "sslrootcert": str(authorities)}


def _is_here(host: str) -> bool:
    """Whether a host is this machine: a Unix socket or a loopback address."""
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
