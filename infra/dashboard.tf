# One page for an environment, in the order of the events' way. It searches for its metrics, so that
# a function that comes or goes changes nothing here. "Using search expressions in graphs", Amazon
# CloudWatch user guide.

locals {
  # A name is found by its words: those of sandbox-ann are sandbox and ann.
  words = replace(var.environment, "-", " ")

  charts = [
    ["Requests by status", "{AWS/ApiGateway,ApiId} ApiId=\"${aws_apigatewayv2_api.api.id}\" (MetricName=Count OR MetricName=4xx OR MetricName=5xx)", "Sum"],
    ["Records put on the streams", "{AWS/Kinesis,StreamName} MetricName=\"IncomingRecords\" ${local.words}", "Sum"],
    ["Writes that Kinesis throttled", "{AWS/Kinesis,StreamName} MetricName=\"WriteProvisionedThroughputExceeded\" ${local.words}", "Sum"],
    ["Age of the oldest record (ms)", "{AWS/Lambda,FunctionName} MetricName=\"IteratorAge\" ${local.words}", "Maximum"],
    ["Invocations", "{AWS/Lambda,FunctionName} MetricName=\"Invocations\" ${local.words}", "Sum"],
    ["Errors", "{AWS/Lambda,FunctionName} MetricName=\"Errors\" ${local.words}", "Sum"],
    ["Throttles", "{AWS/Lambda,FunctionName} MetricName=\"Throttles\" ${local.words}", "Sum"],
    ["Duration (ms)", "{AWS/Lambda,FunctionName} MetricName=\"Duration\" ${local.words}", "p99"],
    ["Events to quarantine", "{Sluice} quarantined ${local.words}", "Sum"],
    ["Database capacity (ACU)", "{AWS/RDS,DBClusterIdentifier} MetricName=\"ServerlessDatabaseCapacity\" ${local.words}", "Maximum"],
    ["Database connections", "{AWS/RDS,DBClusterIdentifier} MetricName=\"DatabaseConnections\" ${local.words}", "Maximum"],
    ["Commit latency (ms)", "{AWS/RDS,DBClusterIdentifier} MetricName=\"CommitLatency\" ${local.words}", "Average"],
  ]
}

resource "aws_cloudwatch_dashboard" "environment" {
  dashboard_name = var.environment
  dashboard_body = jsonencode({
    widgets = [
      for chart in local.charts : {
        type   = "metric"
        width  = 8
        height = 6
        properties = {
          title   = chart[0]
          region  = var.region
          view    = "timeSeries"
          period  = 60
          metrics = [[{ expression = "SEARCH('${chart[1]}', '${chart[2]}', 60)" }]]
        }
      }
    ]
  })
}
