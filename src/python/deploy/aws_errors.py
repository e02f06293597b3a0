"""What AWS or the way to it refused, as a sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    WaiterError,
)

from deploy.errors import DeployError

SIGN_IN = "sign in (`aws sso login`, or set AWS_PROFILE), then run the command again"
UNKNOWN_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
CHANGED = {"PreconditionFailedException", "ResourceConflictException"}


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raises DeployError for what AWS refuses; `doing` says what was tried, "to read …"."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, SSOError, TokenRetrievalError) as error:
        raise DeployError(f"There are no AWS credentials {doing}: {SIGN_IN}. ({error})") from error
    except NoRegionError as error:
        raise DeployError("No AWS region is set: set AWS_REGION") from error
    except ClientError as error:
        raise DeployError(_refused(error, doing)) from error
    except WaiterError as error:
        raise DeployError(f"AWS did not get ready {doing}: {_reason(error)}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise DeployError(f"The connection was lost {doing}: run it again. ({error})") from error
    except BotoCoreError as error:
        raise DeployError(f"It was not possible {doing}: {error}") from error


def _refused(error: ClientError, doing: str) -> str:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "")
    if code in UNKNOWN_CREDENTIALS:
        return f"AWS does not accept the credentials {doing}: {SIGN_IN}. ({message})"
    if code in NOT_ALLOWED:
        return (
            f"The credentials do not permit {doing}: have {error.operation_name} allowed. "
            f"({message})"
        )
    if code in CHANGED:
        return (
            f"Somebody else changed it while this command ran, so it was left {doing}: "
            "see `status`, then run the command again"
        )
    return f"AWS refused {doing}: {code}: {message}"


def _reason(error: WaiterError) -> str:
    response: Any = error.last_response
    configuration = response.get("Configuration", response)
    reasons = (configuration.get("LastUpdateStatusReason"), configuration.get("StateReason"))
    return next((reason for reason in reasons if reason), str(error))
