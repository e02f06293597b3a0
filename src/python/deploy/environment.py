"""What an environment is: its Terraform variable file says so to the infrastructure and to us."""

import re
from dataclasses import dataclass
from pathlib import Path

import boto3

from deploy.aws_errors import explained
from deploy.errors import DeployError

FILES = Path("infra/environments")
LOCAL = "local"
LOCAL_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Variables:
    """Where an environment is."""

    region: str
    account_id: str | None  # None: it is not checked


def load(environment: str, files: Path = FILES) -> Variables | None:
    """The environment's variables; None for the local cloud, which has neither account nor file.

    All sandboxes share a file. Raises DeployError when the file is missing or says too little.
    """
    if environment == LOCAL:
        return None
    path = files / f"{environment.partition('-')[0]}.tfvars"
    if not path.exists():
        known = ", ".join(sorted([LOCAL, *(each.stem for each in files.glob("*.tfvars"))]))
        raise DeployError(f"{path} is missing: the environments are {known}")
    # What we need are plain strings; a parser of Terraform's language takes a second to import.
    strings = dict(re.findall(r'^(\w+)\s*=\s*"([^"$]*)"', path.read_text(), re.MULTILINE))
    if "region" not in strings:
        raise DeployError(f'{path} lacks region = "…"')
    return Variables(strings["region"], strings.get("account_id"))


def open_session(environment: str, variables: Variables | None) -> boto3.Session:
    """A session for the environment's region, with credentials for its account.

    Credentials and endpoints are found as boto3 documents. Raises DeployError.
    """
    with explained("to find the region and the credentials"):
        asked = boto3.Session().region_name
        if variables is None:
            return boto3.Session(region_name=asked or LOCAL_REGION)
        if asked not in (None, variables.region):
            raise DeployError(
                f"{environment} is in {variables.region}, but AWS_REGION or your profile says "
                f"{asked}: unset it, or choose another --environment"
            )
        session = boto3.Session(region_name=variables.region)
    with explained("to see whose credentials these are"):
        account: str = session.client("sts").get_caller_identity()["Account"]
    if variables.account_id not in (None, account):
        raise DeployError(
            f"{environment} is in the account {variables.account_id}, but the credentials are for "
            f"{account}: set AWS_PROFILE, or choose another --environment"
        )
    return session
