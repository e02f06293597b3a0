"""What programs with Sentry's SDK or OpenTelemetry's exporter send, by these themselves."""

import logging
from uuid import UUID

import sentry_sdk
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from local.demo_events import raised_errors

OPENTELEMETRY_SERVICE = "shop.opentelemetry"
FLUSH_SECONDS = 60


def send_by_sentry(url: str, api_key: str, count: int) -> list[str]:
    """Captures exceptions; returns the ids of the events, which the SDK makes."""
    sentry_sdk.init(
        dsn=f"{url.replace('://', f'://{api_key}@')}/1",
        environment="demo",
        release="shop@1.0",
        default_integrations=False,  # the demo itself is not to be observed
        transport_queue_size=count,
    )
    ids = [sentry_sdk.capture_exception(error) for error in raised_errors(count)]
    sentry_sdk.get_client().close(timeout=FLUSH_SECONDS)
    return [str(UUID(id)) for id in ids if id is not None]


def send_by_opentelemetry(url: str, api_key: str, count: int) -> list[str]:
    """Logs records; returns their messages, of which no two are the same."""
    resource = {"service.name": OPENTELEMETRY_SERVICE, "deployment.environment.name": "demo"}
    provider = LoggerProvider(Resource(resource))
    exporter = OTLPLogExporter(f"{url}/v1/logs", headers={"x-api-key": api_key})
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.Logger("shop")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    messages = [f"Order {number} was shipped" for number in range(count)]
    for number, message in enumerate(messages):
        logger.info(message, extra={"order": number})
    provider.force_flush(FLUSH_SECONDS * 1000)
    provider.shutdown()
    return messages
