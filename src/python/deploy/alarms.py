"""The infrastructure's alarms: what a canary is watched by, and how many connections there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws_errors import explained
from deploy.errors import DeployError
from deploy.plan import deployed_name

if TYPE_CHECKING:
    from collections.abc import Collection

    import boto3
    from mypy_boto3_cloudwatch import CloudWatchClient


class Alarms:
    """The alarms of one environment."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        self._environment = environment
        with explained("to call CloudWatch"):
            self._client: CloudWatchClient = session.client("cloudwatch")

    def firing(self, names: Collection[str]) -> list[str]:
        """The functions, by their names in dist/, whose alarm fires.

        Raises DeployError when one has no alarm: then nothing would watch its canary.
        """
        alarms = {f"{deployed_name(self._environment, name)}-errors": name for name in names}
        with explained("to read the error alarms"):
            found = self._client.describe_alarms(AlarmNames=list(alarms))["MetricAlarms"]
        states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
        missing = sorted(alarms.keys() - states.keys())
        if missing:
            raise DeployError(
                f"There is no alarm {', '.join(missing)} to watch a canary by: "
                "apply the infrastructure, or push without --canary"
            )
        return sorted(alarms[alarm] for alarm, state in states.items() if state == "ALARM")

    def connection_budget(self) -> int | None:
        """The connections to the database at which its alarm fires; None where it has none."""
        name = f"{self._environment}-connections"
        with explained(f"to read the alarm {name}"):
            found = self._client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return int(found[0]["Threshold"]) if found else None
