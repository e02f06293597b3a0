import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.infra.functions import write_functions
from tests.infra.terraform import OVERRIDE, Terraform

PROVIDER = "registry.terraform.io/hashicorp/aws"
INSTALL = (
    "Install Terraform 1.11 or later on PATH and, where its registry cannot be reached, the AWS "
    f"provider 5.100.0 in a folder ({PROVIDER}/5.100.0/…) that TF_PLUGIN_DIRECTORY names."
)
# Those of "Implied local mirror directories" in Terraform's documentation, and what administrators
# choose.
PLACES = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/*",
)


def plugin_directory() -> Path | None:
    """The folder with the AWS provider; None: terraform asks its registry."""
    if named := os.environ.get("TF_PLUGIN_DIRECTORY"):
        return Path(named)
    for place in PLACES:
        path = Path(place).expanduser()
        for found in sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))):
            if (found / PROVIDER).is_dir():
                return found
    return None


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The address of an emulated AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory, emulator: str) -> Terraform:
    """An initialised copy of infra/ for the emulator, with functions in its dist/."""
    if shutil.which("terraform") is None:
        pytest.skip(INSTALL)
    directory = tmp_path_factory.mktemp("terraform")
    shutil.copytree("infra", directory / "infra")
    (directory / "infra" / "override.tf").write_text(OVERRIDE)
    write_functions(directory / "dist")
    key_hash = hashlib.sha256(b"key").hexdigest()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TF_VAR_api_key_sha256": f'["{key_hash}"]',
    }
    terraform = Terraform((directory / "infra").resolve(), environment)
    plugins = plugin_directory()
    try:
        terraform.run("init", *([] if plugins is None else [f"-plugin-dir={plugins}"]))
    except AssertionError as error:
        pytest.fail(f"{INSTALL}\n{error}")
    return terraform
