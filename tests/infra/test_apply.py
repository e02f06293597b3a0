"""A sandbox's life on the emulated AWS, test by test: applied, changed, destroyed."""

import json
import re
from typing import Any

import boto3
import pytest

from tests.infra.functions import write_function
from tests.infra.terraform import Change, Terraform

SANDBOX = ("sandbox", "-var=environment=sandbox-ann")
# What the emulator does not give back as it got it, so that a plan would set it again.
NOT_GIVEN_BACK = {
    "aws_kinesis_stream": {"tags_all"},
    # It gives the version that the alias points at.
    "aws_lambda_event_source_mapping": {"function_name"},
    # The others would come of setting the first.
    "aws_lambda_function": {"logging_config", "qualified_arn", "qualified_invoke_arn", "version"},
    # That of the first version of Aurora Serverless, which we do not set.
    "aws_rds_cluster": {"scaling_configuration"},
    "aws_rds_cluster_instance": {"performance_insights_enabled"},
    "aws_vpc_security_group_egress_rule": {"description"},
    "aws_vpc_security_group_ingress_rule": {"description"},
}


def beside_what_is_not_given_back(changes: list[Change]) -> list[Change]:
    return [
        change
        for change in changes
        if change.actions != ("update",)
        or not change.attributes <= NOT_GIVEN_BACK.get(change.type, set())
    ]


@pytest.fixture(scope="module")
def sandbox(terraform: Terraform) -> Terraform:
    terraform.apply(*SANDBOX)
    return terraform


@pytest.fixture(scope="module")
def client(emulator: str) -> Any:
    """Gives boto3's client of a service."""
    session = boto3.Session("test", "test", region_name="eu-central-1")
    return lambda service: session.client(service, endpoint_url=emulator)


def test_a_second_plan_is_empty_even_after_a_deployment(sandbox: Terraform, client: Any) -> None:
    functions = client("lambda")
    name = "sandbox-ann-producers-error_event"
    zip_file = (sandbox.directory.parent / "dist" / "consumers.migrate.zip").read_bytes()
    functions.update_function_code(FunctionName=name, ZipFile=zip_file)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    changes = sandbox.plan(*SANDBOX)
    assert beside_what_is_not_given_back(changes) == []
    changed: dict[str, set[str]] = {}
    for change in changes:
        changed.setdefault(change.type, set()).update(change.attributes)
    assert changed == NOT_GIVEN_BACK


def test_a_sandbox_is_cheap(sandbox: Terraform, client: Any) -> None:
    (database,) = client("rds").describe_db_clusters()["DBClusters"]
    assert database["ServerlessV2ScalingConfiguration"]["MinCapacity"] == 0
    assert database["DeletionProtection"] is False
    assert len(client("rds").describe_db_instances()["DBInstances"]) == 1
    stream = client("kinesis").describe_stream(StreamName="sandbox-ann-errors")["StreamDescription"]
    assert len(stream["Shards"]) == 1
    assert stream["EncryptionType"] == "KMS"
    assert client("ec2").describe_nat_gateways()["NatGateways"] == []
    # One that runs each minute would keep the database awake.
    assert [rule["State"] for rule in client("events").list_rules()["Rules"]] == ["DISABLED"]


def test_a_role_has_what_the_manifest_asks_for_and_no_more(sandbox: Terraform, client: Any) -> None:
    def allowed(name: str) -> dict[str, str | list[str]]:
        policy = client("iam").get_role_policy(
            RoleName=f"sandbox-ann-{name}", PolicyName="function"
        )
        return {
            action: statement["Resource"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
            if not action.startswith(("logs:", "ec2:"))
        }

    stream = ["arn:aws:kinesis:eu-central-1:123456789012:stream/sandbox-ann-errors"]
    assert allowed("producers-error_event") == {"kinesis:PutRecords": stream}
    assert allowed("consumers-dead_letter") == {}
    sink = allowed("consumers-error_sink")
    assert sink.pop("rds-db:connect")[0].endswith("/sluice_write")
    assert sink == {
        **dict.fromkeys(
            (
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ),
            stream,
        ),
        "kinesis:ListStreams": ["*"],
        "sqs:SendMessage": ["arn:aws:sqs:eu-central-1:123456789012:sandbox-ann-failed-batches"],
    }
    assert allowed("consumers-migrate").keys() == {"secretsmanager:GetSecretValue"}
    assert allowed("consumers-redrive").keys() == {
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "rds-db:connect",
    }
    assert allowed("consumers-retention")["lambda:InvokeFunction"] == [
        "arn:aws:lambda:eu-central-1:123456789012:function:sandbox-ann-consumers-dead_letter:live"
    ]


def test_the_event_source_mapping_has_every_setting(sandbox: Terraform, client: Any) -> None:
    (mapping,) = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {
        "BatchSize": 500,
        "MaximumBatchingWindowInSeconds": 1,
        "ParallelizationFactor": 2,
        "MaximumRetryAttempts": 20,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "StartingPosition": "TRIM_HORIZON",
    }.items() <= mapping.items()
    filters = {item["Pattern"] for item in mapping["FilterCriteria"]["Filters"]}
    assert filters == {'{"data": {"service": ["shop"]}}', '{"data": {"service": ["till"]}}'}
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination.endswith(":sandbox-ann-failed-batches")


def test_routes_and_schedules_invoke_what_is_live(sandbox: Terraform, client: Any) -> None:
    gateway = client("apigatewayv2")
    (api,) = gateway.get_apis()["Items"]
    routes = {route["RouteKey"] for route in gateway.get_routes(ApiId=api["ApiId"])["Items"]}
    assert routes == {"POST /errors", "POST /api/{project}/store/"}
    (integration,) = gateway.get_integrations(ApiId=api["ApiId"])["Items"]
    assert ":sandbox-ann-producers-error_event:live/" in integration["IntegrationUri"]
    rule = client("events").list_targets_by_rule(Rule="sandbox-ann-consumers-retention")
    assert [target["Arn"].rpartition(":")[2] for target in rule["Targets"]] == ["live"]
    for name in ("sandbox-ann-producers-error_event", "sandbox-ann-consumers-retention"):
        answer = client("lambda").get_policy(FunctionName=name, Qualifier="live")
        (statement,) = json.loads(answer["Policy"])["Statement"]
        assert statement["Resource"].endswith(":live")


def test_what_a_person_must_look_at_has_an_alarm(sandbox: Terraform, client: Any) -> None:
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    names = {alarm["AlarmName"] for alarm in alarms}
    assert {
        f"sandbox-ann-producers-error_event-{kind}" for kind in ("errors", "throttles")
    } <= names
    assert {
        "sandbox-ann-consumers-error_sink-iterator-age",
        "sandbox-ann-consumers-error_sink-quarantined",
        "sandbox-ann-failed-batches-not-empty",
        "sandbox-ann-connections",
    } <= names
    assert all(alarm["AlarmActions"] for alarm in alarms)


def test_adding_a_handler_only_adds(sandbox: Terraform) -> None:
    dist = sandbox.directory.parent / "dist"
    write_function(
        dist,
        "handlers.index",
        trigger={"type": "http", "routes": ["GET /", "GET /{path+}"]},
        database="read",
    )
    changes = beside_what_is_not_given_back(sandbox.plan(*SANDBOX, "-refresh=false"))
    (dist / "handlers.index.json").unlink()
    assert {change.actions for change in changes} == {("create",)}
    assert all(re.search(r"handlers[.-]index|GET /", change.address) for change in changes)


def test_removing_a_handler_only_removes(sandbox: Terraform) -> None:
    manifest = sandbox.directory.parent / "dist" / "consumers.redrive.json"
    kept = manifest.read_text()
    manifest.unlink()
    changes = beside_what_is_not_given_back(sandbox.plan(*SANDBOX, "-refresh=false"))
    manifest.write_text(kept)
    assert {change.actions for change in changes} == {("delete",)}
    assert 'aws_lambda_function.function["consumers.redrive"]' in {c.address for c in changes}


def test_destroying_leaves_nothing(sandbox: Terraform, client: Any) -> None:
    sandbox.apply(*SANDBOX, "-destroy", "-refresh=false")
    assert sandbox.run("state", "list") == ""
    left = [
        *client("lambda").list_functions()["Functions"],
        *client("lambda").list_event_source_mappings()["EventSourceMappings"],
        *client("kinesis").list_streams()["StreamNames"],
        *client("sqs").list_queues().get("QueueUrls", []),
        *client("iam").list_roles()["Roles"],
        *client("apigatewayv2").get_apis()["Items"],
        *client("events").list_rules()["Rules"],
        *client("logs").describe_log_groups()["logGroups"],
        *client("cloudwatch").describe_alarms()["MetricAlarms"],
        *client("cloudwatch").list_dashboards()["DashboardEntries"],
        *client("sns").list_topics()["Topics"],
        *client("rds").describe_db_clusters()["DBClusters"],
        *client("secretsmanager").list_secrets()["SecretList"],
        # The emulator keeps those that are deleted, and says so.
        *(
            endpoint
            for endpoint in client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
            if endpoint["State"] != "deleted"
        ),
        *client("ec2").describe_vpcs(Filters=[{"Name": "tag:application", "Values": ["sluice"]}])[
            "Vpcs"
        ],
    ]
    assert left == []
