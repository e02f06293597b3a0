# What a person must look at.

locals {
  # "Maximum connections for Aurora Serverless v2": the memory of the largest capacity decides.
  maximum_connections = min(
    floor(var.database_capacity.maximum * 180),
    var.database_capacity.minimum < 1 ? 2000 : 5000,
  )

  # By name, which begins with the function's, so that an alarm sorts beside it. One that does not say
  # so fires above 0, after one period. One of which `is_mended` is false gets quiet by itself while
  # there still is something to do: nobody is told then.
  alarms = merge(concat(
    [for name, function in local.functions : {
      # The deployer watches a canary by this one.
      "${function.deployed_name}-errors" = {
        description = "Invocations of ${name} fail: docs/reliability.md says how and why."
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = function.deployed_name }
        statistic   = "Sum"
        period      = 60
      }
      "${function.deployed_name}-throttles" = {
        description = "Lambda has no more concurrent executions for ${name}."
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = function.deployed_name }
        statistic   = "Sum"
        period      = 300
      }
    }],
    [for name, function in local.consumers : {
      "${function.deployed_name}-iterator-age" = {
        description = "${name} is more than a quarter of an hour behind its stream, which keeps records for ${var.stream_retention} hours."
        namespace   = "AWS/Lambda"
        metric      = "IteratorAge"
        dimensions  = { FunctionName = function.deployed_name }
        statistic   = "Maximum"
        period      = 60
        periods     = 5
        threshold   = 15 * 60 * 1000 # milliseconds
      }
      "${function.deployed_name}-quarantined" = {
        description = "${name} put events into quarantine: read_table says why."
        namespace   = "Sluice"
        metric      = "${function.deployed_name}-quarantined"
        dimensions  = {}
        statistic   = "Sum"
        period      = 300
        is_mended   = false
      }
    }],
    [for name in local.queues : {
      "${var.environment}-${name}-not-empty" = {
        description = "Batches were given up: the queue says which, and redrive takes them."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = aws_sqs_queue.on_failure[name].name }
        statistic   = "Maximum"
        period      = 300
      }
    }],
    [for database in aws_rds_cluster.database : {
      # By its threshold the deployer knows how many connections there are.
      "${var.environment}-connections" = {
        description = "Four fifths of the database's connections are taken: docs/scale.md says what then."
        namespace   = "AWS/RDS"
        metric      = "DatabaseConnections"
        dimensions  = { DBClusterIdentifier = database.cluster_identifier }
        statistic   = "Maximum"
        period      = 60
        periods     = 5
        threshold   = floor(local.maximum_connections * 0.8)
      }
    }],
  )...)
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish with the key that AWS keeps for SNS, and an alarm holds no data
  name = "${var.environment}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.alarms

  alarm_name          = each.key
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = try(each.value.periods, 1)
  comparison_operator = "GreaterThanThreshold"
  threshold           = try(each.value.threshold, 0)
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = try(each.value.is_mended, true) ? [aws_sns_topic.alarms.arn] : []
}

# A sink's log says of each commit how many of its events went to quarantine.
resource "aws_cloudwatch_log_metric_filter" "quarantined" {
  for_each = local.consumers

  name           = "quarantined"
  log_group_name = aws_cloudwatch_log_group.function[each.key].name
  pattern        = "{ $.quarantined > 0 }"

  metric_transformation {
    namespace = "Sluice"
    name      = "${each.value.deployed_name}-quarantined"
    value     = "$.quarantined"
    unit      = "Count"
  }
}
