"""Sends through sentry-sdk and OpenTelemetry's exporter, once for each line of standard input.

Addresses and keys are in the environment, as the SDKs' own documentation has it.
"""

import logging
import sys

import sentry_sdk
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from sentry_sdk.integrations.logging import LoggingIntegration

COUNT = 5


def main() -> None:
    sentry_sdk.init(
        release="python@1",
        enable_logs=True,
        max_breadcrumbs=0,
        # Or it would take what is meant for the other.
        disabled_integrations=[LoggingIntegration()],
    )
    provider = LoggerProvider(Resource.create({"service.name": "python"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    logger = logging.Logger("shop")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    for phase in map(str.strip, sys.stdin):
        for number in range(COUNT):
            try:
                raise ValueError(f"python-sentry-{phase}-{number}!")
            except ValueError as error:
                sentry_sdk.capture_exception(error)
            sentry_sdk.logger.info(f"python-sentrylog-{phase}-{number}!")
            logger.info("python-otlp-%s-%d!", phase, number)
            try:
                raise ValueError(f"python-otlperror-{phase}-{number}!")
            except ValueError:
                logger.exception("failed")
        sentry_sdk.flush(60)
        provider.force_flush(60_000)
        print(phase, flush=True)
    provider.shutdown()


if __name__ == "__main__":
    main()
