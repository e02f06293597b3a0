// Sends through @sentry/node and OpenTelemetry's exporters, once for each line of standard input.
// Addresses and keys are in the environment, as the SDKs' own documentation has it.
const readline = require("node:readline");

const Sentry = require("@sentry/node");
const json = require("@opentelemetry/exporter-logs-otlp-http");
const protobuf = require("@opentelemetry/exporter-logs-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchLogRecordProcessor, LoggerProvider } = require("@opentelemetry/sdk-logs");

const COUNT = 5;

function providerWith(exporter) {
  return new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "node" }),
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
}

async function main() {
  Sentry.init({ release: "node@1", enableLogs: true, maxBreadcrumbs: 0 });
  const providers = {
    otlpjson: providerWith(new json.OTLPLogExporter()),
    otlpproto: providerWith(new protobuf.OTLPLogExporter()),
  };
  for await (const phase of readline.createInterface({ input: process.stdin })) {
    for (let number = 0; number < COUNT; number++) {
      Sentry.captureException(new TypeError(`node-sentry-${phase}-${number}!`));
      Sentry.logger.info(`node-sentrylog-${phase}-${number}!`);
      for (const [name, provider] of Object.entries(providers)) {
        const logger = provider.getLogger("shop");
        logger.emit({ severityNumber: 9, body: `node-${name}-${phase}-${number}!` });
        const error = new TypeError(`node-${name}error-${phase}-${number}!`);
        const attributes = {
          "exception.type": error.name,
          "exception.message": error.message,
          "exception.stacktrace": error.stack,
        };
        logger.emit({ severityNumber: 17, body: "failed", attributes });
      }
    }
    await Sentry.flush(60_000);
    await Promise.all(Object.values(providers).map((provider) => provider.forceFlush()));
    console.log(phase);
  }
  await Sentry.close();
  await Promise.all(Object.values(providers).map((provider) => provider.shutdown()));
}

main();
