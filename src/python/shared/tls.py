"""The TLS that a connection to the database must have: fully verified, unless it stays here.

Sources: "Using SSL/TLS to encrypt a connection to a DB instance or cluster", Amazon RDS user guide;
"SSL Support", chapter libpq of the PostgreSQL documentation.
"""

# ruff: noqa: PTH113, PTH118, PTH120
# Nothing else that a sink imports needs pathlib, and a cold start would pay for it.

import os
import re
from collections.abc import Mapping

from shared.errors import Misconfiguration

# Of each region the authorities that sign for RDS, and those that sign for RDS Proxy.
CERTIFICATES = os.path.join(os.path.dirname(__file__), "certificates")

_HERE = re.compile(r"[/@].*|localhost|127(\.\d{1,3}){3}|::1")  # Unix sockets and loopback


def parameters(environment: Mapping[str, str]) -> dict[str, str]:
    """libpq's `sslmode` and `sslrootcert`, where PGSSLMODE and PGSSLROOTCERT leave them open.

    Raises Misconfiguration when there is nothing to verify a certificate with.
    """
    mode = environment.get("PGSSLMODE")
    if not mode:
        if all(map(_HERE.fullmatch, environment["PGHOST"].split(","))):
            return {}
        mode = "verify-full"
    if not mode.startswith("verify") or environment.get("PGSSLROOTCERT"):
        return {"sslmode": mode}
    region = environment.get("AWS_REGION", "")
    authorities = os.path.join(CERTIFICATES, f"{region}.pem")
    if not os.path.isfile(authorities):
        raise Misconfiguration(
            "PGSSLROOTCERT must name the file of the authorities that sign the database's"
            f" certificate: those of the region {region or '(AWS_REGION is not set)'} are not known"
        )
    return {"sslmode": mode, "sslrootcert": authorities}
