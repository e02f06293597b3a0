"""What needs no resources: the form, the sense, and plans that start from nothing."""

import shutil

from tests.infra.functions import STREAM, write_function
from tests.infra.terraform import Change, Terraform

EXISTING_DATABASE = """
existing_database = {
  host              = "postgres.example.com"
  name              = "events"
  secret_arn        = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:owner"
  resource_id       = "cluster-EXAMPLE"
  security_group_id = "sg-0123456789abcdef0"
  vpc_id            = "vpc-0123456789abcdef0"
  subnet_ids        = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
}
"""


def of_type(changes: list[Change], type: str) -> list[Change]:
    return [change for change in changes if change.type == type]


def variables(changes: list[Change], name: str) -> dict[str, str]:
    (function,) = [c for c in changes if c.address == f'aws_lambda_function.function["{name}"]']
    result: dict[str, str] = function.after["environment"][0]["variables"]
    return result


def test_the_files_are_formatted(terraform: Terraform) -> None:
    terraform.run("fmt", "-check", "-recursive")


def test_the_files_are_valid(terraform: Terraform) -> None:
    terraform.run("validate")


def test_prod_is_without_what_must_not_be_there_and_is_protected(terraform: Terraform) -> None:
    dist = terraform.directory.parent / "with_replay"
    shutil.copytree(terraform.directory.parent / "dist", dist)
    since = {"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": 1_767_225_600}
    write_function(dist, "consumers.replay", trigger={**STREAM, **since})
    changes = terraform.plan("prod", f"-var=dist={dist}")
    assert {change.actions for change in changes} == {("create",)}
    names = {change.after["function_name"] for change in of_type(changes, "aws_lambda_function")}
    assert "prod-consumers-error_sink" in names
    assert "prod-consumers-clear_table" not in names
    (database,) = of_type(changes, "aws_rds_cluster")
    assert database.after["deletion_protection"] is True
    assert database.after["skip_final_snapshot"] is False
    assert len(of_type(changes, "aws_rds_cluster_instance")) == 2
    (schedule,) = of_type(changes, "aws_cloudwatch_event_rule")
    assert schedule.after["state"] == "ENABLED"
    starts = {
        change.after["starting_position_timestamp"]
        for change in of_type(changes, "aws_lambda_event_source_mapping")
    }
    assert starts == {None, "2026-01-01T00:00:00Z"}


def test_an_existing_database_is_used_in_place_of_aurora(terraform: Terraform) -> None:
    file = terraform.directory / "environments" / "existing.tfvars"
    qa = (terraform.directory / "environments" / "qa.tfvars").read_text()
    file.write_text(qa + EXISTING_DATABASE)
    changes = terraform.plan("existing")
    for type in ("aws_rds_cluster", "aws_vpc", "aws_subnet"):
        assert not of_type(changes, type)
    address = {"PGHOST": "postgres.example.com", "PGPORT": "5432", "PGDATABASE": "events"}
    assert variables(changes, "consumers.error_sink") == {
        "ENVIRONMENT": "qa",
        "DATABASE_IAM_AUTHENTICATION": "true",
        "PGUSER": "sluice_write",
        **address,
    }
    assert variables(changes, "consumers.migrate") == {
        "ENVIRONMENT": "qa",
        "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:owner",
        **address,
    }


def test_without_functions_that_use_it_there_is_no_database_and_no_network(
    terraform: Terraform,
) -> None:
    dist = terraform.directory.parent / "producer_only"
    dist.mkdir()
    write_function(
        dist,
        "producers.error_event",
        trigger={"type": "http", "routes": ["POST /errors"]},
        writes_to=("errors",),
    )
    changes = terraform.plan("qa", f"-var=dist={dist}")
    for type in ("aws_rds_cluster", "aws_vpc", "aws_security_group", "aws_vpc_endpoint"):
        assert not of_type(changes, type)
    assert variables(changes, "producers.error_event").keys() == {"ENVIRONMENT", "API_KEY_SHA256"}
