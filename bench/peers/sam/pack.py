"""Makes the zips that `sam package` would upload, with SAM's own code."""

from pathlib import Path

from samcli.lib.package.utils import make_zip_with_lambda_permissions

for function in ("producer", "sink"):
    built = Path(".aws-sam/build", function).resolve()
    print(make_zip_with_lambda_permissions(str(Path(function).resolve()), str(built)))
