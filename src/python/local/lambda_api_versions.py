"""Versions and aliases of functions in Lambda's API.

Source: "PublishVersion", "ListVersionsByFunction", "CreateAlias", "UpdateAlias", "GetAlias",
"ListAliases" and "DeleteAlias" in the Lambda API reference.
"""

import uuid
from collections.abc import Mapping

import msgspec
from aiohttp import web

from local import account
from local.function import Function
from local.function_configuration import LATEST, Alias
from local.lambda_api_forms import CreateAlias, PublishVersion, UpdateAlias
from local.lambda_api_functions import document
from local.lambda_api_protocol import (
    answer,
    conflict,
    decoded,
    invalid,
    latest,
    not_found,
    page,
    require_revision,
    signed,
)


class VersionsApi:
    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = functions

    def add_routes(self, router: web.UrlDispatcher) -> None:
        one = "/2015-03-31/functions/{name}"
        router.add_post(f"{one}/versions", signed(self._publish))
        router.add_get(f"{one}/versions", signed(self._list_versions))
        router.add_post(f"{one}/aliases", signed(self._create_alias))
        router.add_get(f"{one}/aliases", signed(self._list_aliases))
        router.add_get(f"{one}/aliases/{{alias}}", signed(self._get_alias))
        router.add_put(f"{one}/aliases/{{alias}}", signed(self._update_alias))
        router.add_delete(f"{one}/aliases/{{alias}}", signed(self._delete_alias))

    async def _publish(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        form = await decoded(request, PublishVersion)
        require_revision(form.revision_id, function.latest.revision_id)
        sha256 = document(function.latest)["CodeSha256"]
        if form.code_sha256 not in (None, sha256):
            raise invalid(
                f"CodeSHA256 ({form.code_sha256}) is different from current CodeSHA256 in $LATEST "
                f"({sha256}). Please try again with the CodeSHA256 in $LATEST."
            )
        return answer(201, document(function.publish(form.description)))

    async def _list_versions(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        numbered = {f"{int(number):09}": each for number, each in function.published.items()}
        versions = {LATEST: function.latest, **numbered}
        return page("Versions", versions, lambda each: document(each, each.version), request)

    async def _create_alias(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        form = await decoded(request, CreateAlias)
        if form.name in function.aliases:
            raise conflict(
                f"Alias already exists: {account.function_arn(function.name, form.name)}"
            )
        alias = Alias(
            name=form.name,
            version=form.function_version,
            weights=form.routing_config.additional_version_weights,
            description=form.description,
        )
        _take(function, alias)
        return answer(201, _alias(function, alias))

    async def _update_alias(self, request: web.Request) -> web.Response:
        function, alias = self._function_and_alias(request)
        form = await decoded(request, UpdateAlias)
        require_revision(form.revision_id, alias.revision_id)
        alias = msgspec.structs.replace(alias, revision_id=str(uuid.uuid4()), **form.changes())
        _take(function, alias)
        return answer(200, _alias(function, alias))

    async def _get_alias(self, request: web.Request) -> web.Response:
        return answer(200, _alias(*self._function_and_alias(request)))

    async def _list_aliases(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        version = request.query.get("FunctionVersion")
        wanted = {
            name: alias
            for name, alias in function.aliases.items()
            if version is None or alias.version == version
        }
        return page("Aliases", wanted, lambda alias: _alias(function, alias), request)

    async def _delete_alias(self, request: web.Request) -> web.Response:
        latest(request, self._functions).aliases.pop(request.match_info["alias"], None)
        return answer(204)

    def _function_and_alias(self, request: web.Request) -> tuple[Function, Alias]:
        function, name = latest(request, self._functions), request.match_info["alias"]
        if name not in function.aliases:
            arn = account.function_arn(function.name, name)
            raise not_found(f"Cannot find alias arn: {arn}")
        return function, function.aliases[name]


def _take(function: Function, alias: Alias) -> None:
    """Lets the function have the alias, if it points at versions that there are."""
    for version in alias.versions:
        if version != LATEST and version not in function.published:
            arn = account.function_arn(function.name, version)
            raise not_found(f"Function not found: {arn}")
    if alias.weights and LATEST in alias.versions:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if len(alias.weights) > 1 or alias.version in alias.weights:
        raise invalid("An alias can point to one more version than its own, and no more")
    function.aliases[alias.name] = alias


def _alias(function: Function, alias: Alias) -> dict[str, object]:
    body: dict[str, object] = {
        "AliasArn": account.function_arn(function.name, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        body["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return body
