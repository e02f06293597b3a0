"""Lambda's API, as far as the local cloud speaks it, for the AWS SDKs and the command line."""

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from local.asynchronous_invocation import AsynchronousInvocations
from local.event_source_mappings import EventSourceMappings
from local.function import Function
from local.lambda_api_event_source_mappings import EventSourceMappingsApi
from local.lambda_api_functions import FunctionsApi
from local.lambda_api_invoke import InvokeApi
from local.lambda_api_versions import VersionsApi


class LambdaApi:
    """Serves the functions under their deployed names; `functions` gets those that are created.

    `variables` are the environment variables that these get besides their own.
    """

    def __init__(
        self,
        functions: dict[str, Function],
        events: AsynchronousInvocations,
        mappings: EventSourceMappings,
        state: Path,
        variables: Mapping[str, str],
    ) -> None:
        self._parts = (
            InvokeApi(functions, events),
            FunctionsApi(functions, state, variables),
            VersionsApi(functions),
            EventSourceMappingsApi(functions, mappings),
        )

    def add_routes(self, router: web.UrlDispatcher) -> None:
        for part in self._parts:
            part.add_routes(router)
