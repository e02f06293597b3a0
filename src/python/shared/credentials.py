"""The database's user and password, read anew for each connection so that a rotation is noticed.

Sources: "GetSecretValue", Secrets Manager API reference; "IAM database authentication", Amazon RDS
user guide.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from shared.errors import Misconfiguration, Unavailable

if TYPE_CHECKING:
    from botocore.config import Config  # pants: no-infer-dep

type Credentials = Callable[[], dict[str, str]]

# What no second attempt helps against; the others are throttling and failures of the service.
_REFUSALS = {
    "AccessDeniedException",
    "DecryptionFailure",
    "InvalidParameterException",
    "InvalidRequestException",
    "ResourceNotFoundException",
}


def source(environment: Mapping[str, str]) -> Credentials:
    """What gives the connection parameters `user` and `password` that libpq does not know itself.

    DATABASE_SECRET_ARN names a secret as RDS keeps it; DATABASE_IAM_AUTHENTICATION=true has a token
    made for PGUSER; with neither, PGUSER and PGPASSWORD are all. Raises Misconfiguration.
    """
    if secret := environment.get("DATABASE_SECRET_ARN"):
        return lambda: _from_secret(secret)
    if environment.get("DATABASE_IAM_AUTHENTICATION") == "true":
        return _from_token
    return dict


def _from_secret(secret: str) -> dict[str, str]:
    # The runtime's own SDK: in the zip it would be thirty times the rest.
    import boto3  # pants: no-infer-dep
    from botocore.exceptions import BotoCoreError, ClientError  # pants: no-infer-dep

    try:
        client = boto3.client("secretsmanager", config=_config())
        value = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
        return {"user": value["username"], "password": value["password"]}
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _REFUSALS:
            raise Misconfiguration(f"The secret {secret} cannot be read: {code}") from None
        raise Unavailable(f"Secrets Manager failed: {code}") from None
    except BotoCoreError as error:
        raise Unavailable(f"Secrets Manager failed: {type(error).__name__}") from None
    except (ValueError, TypeError, KeyError):
        expected = 'a JSON object with "username" and "password"'
        raise Misconfiguration(f"The secret {secret} must hold {expected}") from None


def _from_token() -> dict[str, str]:
    import boto3  # pants: no-infer-dep

    token = boto3.client("rds").generate_db_auth_token(
        os.environ["PGHOST"], int(os.environ.get("PGPORT", "5432")), os.environ["PGUSER"]
    )
    return {"password": token}


def _config() -> "Config":
    from botocore.config import Config  # pants: no-infer-dep

    return Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
