"""Whether a zip is one that Lambda takes and can run: checked before anything is sent."""

import io
import zipfile

from local.manifest import Manifest

# "Lambda quotas": of a zip that is sent with the request, and of what it unpacks to.
MAXIMUM_ZIP = 50 * 1024 * 1024
MAXIMUM_UNPACKED = 250 * 1024 * 1024
# e_machine of an ELF header ("System V Application Binary Interface"), by Lambda's names.
MACHINES = {"x86_64": 0x3E, "arm64": 0xB7}


def zip_problems(manifest: Manifest, content: bytes) -> list[str]:
    """What is wrong with the zip, which is the one that its manifest describes; or nothing."""
    name = manifest.zip.file
    problems = []
    if len(content) > MAXIMUM_ZIP:
        problems.append(f"{name} has {len(content):,} bytes, but Lambda takes {MAXIMUM_ZIP:,}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        unpacked = sum(info.file_size for info in infos)
        if unpacked > MAXIMUM_UNPACKED:
            problems.append(
                f"{name} unpacks to {unpacked:,} bytes, but Lambda takes {MAXIMUM_UNPACKED:,}"
            )
        module = manifest.handler.rpartition(".")[0].replace(".", "/") + ".py"
        if module not in {info.filename for info in infos}:
            problems.append(f"{name} lacks {module}, which the handler {manifest.handler} is in")
        for info in infos:
            with archive.open(info) as file:
                header = file.read(20)
            machine = int.from_bytes(header[18:20], "little")
            if header.startswith(b"\x7fELF") and machine != MACHINES[manifest.architecture]:
                problems.append(
                    f"{name} is for {manifest.architecture}, but {info.filename} in it is not: "
                    f"run `./pants --aws-lambda-function-architecture={manifest.architecture} "
                    "package ::`"
                )
                break
    return problems
