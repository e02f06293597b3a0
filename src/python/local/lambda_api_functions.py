"""Functions in Lambda's API: created, updated, described and deleted, with their concurrency.

Source: "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "GetFunction",
"GetFunctionConfiguration", "ListFunctions", "DeleteFunction" and "PutFunctionConcurrency" in the
Lambda API reference.
"""

import base64
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from local import account
from local.function import Function
from local.function_configuration import (
    LATEST,
    FunctionConfiguration,
    changed,
)
from local.lambda_api_code import require_runnable, unpacked
from local.lambda_api_forms import (
    Concurrency,
    CreateFunction,
    UpdateFunctionCode,
    UpdateFunctionConfiguration,
)
from local.lambda_api_protocol import (
    answer,
    conflict,
    decoded,
    identified,
    invalid,
    latest,
    page,
    requested,
    require_revision,
    signed,
)


class FunctionsApi:
    def __init__(
        self, functions: dict[str, Function], state: Path, variables: Mapping[str, str]
    ) -> None:
        self._functions = functions
        self._state = state
        self._variables = variables

    def add_routes(self, router: web.UrlDispatcher) -> None:
        every, one = "/2015-03-31/functions", "/2015-03-31/functions/{name}"
        router.add_post(every, signed(self._create))
        router.add_get(f"{every}{{_:/?}}", signed(self._list))
        router.add_get(one, signed(self._get))
        router.add_delete(one, signed(self._delete))
        router.add_put(f"{one}/code", signed(self._update_code))
        router.add_get(f"{one}/configuration", signed(self._get_configuration))
        router.add_put(f"{one}/configuration", signed(self._update_configuration))
        concurrency = "functions/{name}/concurrency"
        router.add_get(f"/2019-09-30/{concurrency}", signed(self._get_concurrency))
        router.add_put(f"/2017-10-31/{concurrency}", signed(self._put_concurrency))
        router.add_delete(f"/2017-10-31/{concurrency}", signed(self._delete_concurrency))

    async def _create(self, request: web.Request) -> web.Response:
        form = await decoded(request, CreateFunction)
        name, _ = identified(form.function_name)
        (architecture,) = form.architectures
        require_runnable(form.runtime, architecture)
        sha256, size = await unpacked(form.code.zip_file, self._state)
        if name in self._functions:
            raise conflict(f"Function already exist: {name}")
        configuration = FunctionConfiguration(
            name=name,
            handler=form.handler,
            runtime=form.runtime,
            architecture=architecture,
            sha256=sha256,
            code_size=size,
            memory=form.memory_size,
            timeout=form.timeout,
            variables=form.environment.variables,
            log_format=form.logging_config.log_format,
            role=form.role,
            description=form.description,
        )
        function = Function(configuration, self._state, self._variables)
        self._functions[name] = function
        if form.publish:
            configuration = function.publish()
        return answer(201, document(configuration))

    async def _update_code(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        form = await decoded(request, UpdateFunctionCode)
        (architecture,) = form.architectures or (function.latest.architecture,)
        require_runnable(function.latest.runtime, architecture)
        sha256, size = await unpacked(form.zip_file, self._state)
        require_revision(form.revision_id, function.latest.revision_id)
        configuration = changed(
            function.latest, sha256=sha256, code_size=size, architecture=architecture
        )
        if not form.dry_run:
            await function.change(configuration)
            if form.publish:
                configuration = function.publish()
        return answer(200, document(configuration))

    async def _update_configuration(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        form = await decoded(request, UpdateFunctionConfiguration)
        require_revision(form.revision_id, function.latest.revision_id)
        changes = form.changes()
        require_runnable(str(changes.get("runtime", function.latest.runtime)))
        await function.change(changed(function.latest, **changes))
        return answer(200, document(function.latest))

    async def _list(self, request: web.Request) -> web.Response:
        functions = {name: function.latest for name, function in self._functions.items()}
        return page("Functions", functions, document, request)

    async def _get(self, request: web.Request) -> web.Response:
        function, qualifier = requested(request, self._functions)
        configuration = function.configuration(qualifier)
        body: dict[str, object] = {
            "Configuration": document(configuration, qualifier),
            "Code": {
                "RepositoryType": "S3",
                "Location": f"file://{self._state / 'code' / configuration.sha256}",
            },
        }
        if function.reserved_concurrency is not None:
            body["Concurrency"] = _concurrency(function)
        return answer(200, body)

    async def _get_configuration(self, request: web.Request) -> web.Response:
        function, qualifier = requested(request, self._functions)
        return answer(200, document(function.configuration(qualifier), qualifier))

    async def _delete(self, request: web.Request) -> web.Response:
        function, qualifier = requested(request, self._functions)
        if qualifier is None:
            del self._functions[function.name]
            await function.stop()
            return answer(204)
        using = [alias for alias in function.aliases.values() if qualifier in alias.versions]
        if using:
            names = ", ".join(alias.name for alias in using)
            raise conflict(
                f"Unable to delete version because the following aliases reference it: [{names}]"
            )
        if qualifier not in function.published:
            raise invalid(f"{qualifier} is no published version: it can't be deleted")
        await function.remove(qualifier)
        return answer(204)

    async def _get_concurrency(self, request: web.Request) -> web.Response:
        return answer(200, _concurrency(latest(request, self._functions)))

    async def _put_concurrency(self, request: web.Request) -> web.Response:
        function = latest(request, self._functions)
        form = await decoded(request, Concurrency)
        function.reserved_concurrency = form.reserved_concurrent_executions
        return answer(200, _concurrency(function))

    async def _delete_concurrency(self, request: web.Request) -> web.Response:
        latest(request, self._functions).reserved_concurrency = None
        return answer(204)


def document(
    configuration: FunctionConfiguration, qualifier: str | None = None
) -> dict[str, object]:
    """The configuration as the API shows it, to who asked for it by this qualifier."""
    if configuration.version != LATEST:
        qualifier = qualifier or configuration.version
    body: dict[str, object] = {
        "FunctionName": configuration.name,
        "FunctionArn": account.function_arn(configuration.name, qualifier),
        "Runtime": configuration.runtime,
        "Role": configuration.role,
        "Handler": configuration.handler,
        "CodeSize": configuration.code_size,
        "CodeSha256": base64.b64encode(bytes.fromhex(configuration.sha256)).decode(),
        "Description": configuration.description,
        "Timeout": configuration.timeout,
        "MemorySize": configuration.memory,
        "LastModified": configuration.last_modified,
        "Version": configuration.version,
        "RevisionId": configuration.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [configuration.architecture],
        "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {
            "LogFormat": configuration.log_format,
            "LogGroup": f"/aws/lambda/{configuration.name}",
        },
    }
    if configuration.variables:
        body["Environment"] = {"Variables": configuration.variables}
    return body


def _concurrency(function: Function) -> dict[str, object]:
    if function.reserved_concurrency is None:
        return {}
    return {"ReservedConcurrentExecutions": function.reserved_concurrency}
