"""Rules of "PublishVersion", "ListVersionsByFunction", "CreateAlias" and "UpdateAlias" in the
Lambda API reference, "Manage Lambda function versions" and "Implement Lambda canary deployments
using a weighted alias" in the Lambda developer guide.

These tests also run against AWS: see docs/local-cloud.md.
"""

from typing import Any

import pytest

from local.function_configuration import Alias, routed_version
from tests.local.accounts import Deploy, Deployed
from tests.local.test_lambda_api_functions import refused, sha256_of, update_code

SOURCE = """
def handler(event, context):
    return ["{answer}", context.function_version, context.invoked_function_arn.split(":")[7:]]
"""
OLD, NEW = SOURCE.format(answer="old"), SOURCE.format(answer="new")


def publish(function: Deployed, **arguments: Any) -> Any:
    return function.client.publish_version(FunctionName=function.name, **arguments)


def two_versions(deploy: Deploy) -> Deployed:
    function = deploy(OLD)
    publish(function)
    update_code(function, NEW, Publish=True)
    return function


def test_a_version_keeps_its_code_when_latest_changes(deploy: Deploy) -> None:
    function = two_versions(deploy)
    answers = {q: function.invoke({}, Qualifier=q) for q in ("1", "2", "$LATEST")}
    assert {q: each["ExecutedVersion"] for q, each in answers.items()} == {
        q: q for q in ("1", "2", "$LATEST")
    }
    assert answers["1"]["Payload"] == ["old", "1", ["1"]]
    assert answers["2"]["Payload"] == ["new", "2", ["2"]]
    assert answers["$LATEST"]["Payload"] == ["new", "$LATEST", ["$LATEST"]]
    assert function.invoke({})["Payload"] == ["new", "$LATEST", []]


def test_versions_are_numbered_and_a_number_never_comes_back(deploy: Deploy) -> None:
    function = two_versions(deploy)
    function.client.delete_function(FunctionName=function.name, Qualifier="2")
    update_code(function, OLD)
    assert publish(function)["Version"] == "3"
    listed = function.client.list_versions_by_function(FunctionName=function.name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1", "3"]
    assert listed[1]["FunctionArn"].endswith(f":function:{function.name}:1")
    refused("ResourceNotFoundException", function.invoke, event={}, Qualifier="2")


def test_nothing_is_published_when_nothing_has_changed(deploy: Deploy) -> None:
    function = deploy(OLD)
    first = publish(function, Description="the first")
    again = publish(function)
    assert (first["Version"], again["Version"]) == ("1", "1")
    assert again["Description"] == "the first"


def test_only_the_code_that_was_expected_is_published(deploy: Deploy) -> None:
    function = deploy(OLD)
    refused(
        "InvalidParameterValueException",
        function.client.publish_version,
        FunctionName=function.name,
        CodeSha256=sha256_of(NEW),
    )
    assert publish(function, CodeSha256=sha256_of(OLD))["Version"] == "1"


def test_an_alias_points_at_a_version_and_is_moved(deploy: Deploy) -> None:
    function = two_versions(deploy)
    client, name = function.client, function.name
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert alias["AliasArn"].endswith(f":function:{name}:live")
    answer = function.invoke({}, Qualifier="live")
    assert (answer["ExecutedVersion"], answer["Payload"]) == ("1", ["old", "1", ["live"]])
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert function.invoke({}, Qualifier="live")["Payload"][:2] == ["new", "2"]
    assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "2"
    described = client.get_function_configuration(FunctionName=name, Qualifier="live")
    assert described["Version"] == "2"
    listed = client.list_aliases(FunctionName=name)["Aliases"]
    assert [each["Name"] for each in listed] == ["live"]
    assert client.list_aliases(FunctionName=name, FunctionVersion="1")["Aliases"] == []


def test_an_alias_shares_invocations_out_by_weight(deploy: Deploy) -> None:
    function = two_versions(deploy)
    client, name = function.client, function.name
    alias = client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    executed = {function.invoke({}, Qualifier="live")["ExecutedVersion"] for _ in range(64)}
    assert executed == {"1", "2"}
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={})
    executed = {function.invoke({}, Qualifier="live")["ExecutedVersion"] for _ in range(8)}
    assert executed == {"1"}


@pytest.mark.parametrize(("chance", "version"), [(0.0, "2"), (0.09, "2"), (0.1, "1"), (0.99, "1")])
def test_a_weight_is_the_share_of_the_additional_version(chance: float, version: str) -> None:
    assert routed_version(Alias(name="live", version="1", weights={"2": 0.1}), chance) == version


def test_an_alias_needs_versions_that_exist_and_can_share(deploy: Deploy) -> None:
    function = two_versions(deploy)
    create = function.client.create_alias
    arguments: dict[str, Any] = {"FunctionName": function.name, "Name": "live"}
    refused("ResourceNotFoundException", create, **arguments, FunctionVersion="7")
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    refused(
        "InvalidParameterValueException",
        create,
        **arguments,
        FunctionVersion="$LATEST",
        RoutingConfig=weights,
    )
    create(**arguments, FunctionVersion="1")
    refused("ResourceConflictException", create, **arguments, FunctionVersion="1")


def test_a_version_with_an_alias_is_not_deleted(deploy: Deploy) -> None:
    function = two_versions(deploy)
    client, name = function.client, function.name
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    delete = client.delete_function
    refused("ResourceConflictException", delete, FunctionName=name, Qualifier="1")
    client.delete_alias(FunctionName=name, Name="live")
    refused("ResourceNotFoundException", client.get_alias, FunctionName=name, Name="live")
    delete(FunctionName=name, Qualifier="1")


def test_an_alias_of_another_revision_is_not_changed(deploy: Deploy) -> None:
    function = two_versions(deploy)
    client, name = function.client, function.name
    alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    revision = alias["RevisionId"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2", RevisionId=revision)
    refused(
        "PreconditionFailedException",
        client.update_alias,
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RevisionId=revision,
    )
