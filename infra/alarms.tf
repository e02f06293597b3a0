# What a person must look at. The names begin with the function's, so that they sort beside it.

locals {
  # "Maximum connections for Aurora Serverless v2": the memory of the largest capacity decides.
  maximum_connections = min(
    floor(var.database_capacity.maximum * 180),
    var.database_capacity.minimum < 1 ? 2000 : 5000,
  )
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

# The deployer watches a canary by this one.
resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.functions

  alarm_name          = "${each.value.deployed_name}-errors"
  alarm_description   = "Invocations of ${each.key} fail: docs/reliability.md says how and why."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value.deployed_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = local.functions

  alarm_name          = "${each.value.deployed_name}-throttles"
  alarm_description   = "Lambda has no more concurrent executions for ${each.key}."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = each.value.deployed_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "iterator_age" {
  for_each = local.consumers

  alarm_name          = "${each.value.deployed_name}-iterator-age"
  alarm_description   = "${each.key} is more than a quarter of an hour behind its stream, which keeps records for ${var.stream_retention} hours."
  namespace           = "AWS/Lambda"
  metric_name         = "IteratorAge"
  dimensions          = { FunctionName = each.value.deployed_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = 15 * 60 * 1000 # milliseconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
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

resource "aws_cloudwatch_metric_alarm" "quarantined" {
  for_each = local.consumers

  alarm_name          = "${each.value.deployed_name}-quarantined"
  alarm_description   = "${each.key} put events into quarantine: read_table says why."
  namespace           = "Sluice"
  metric_name         = "${each.value.deployed_name}-quarantined"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "on_failure" {
  for_each = local.queues

  alarm_name          = "${var.environment}-${each.key}-not-empty"
  alarm_description   = "Batches were given up: the queue says which, and redrive takes them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.on_failure[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "connections" {
  count = local.makes_aurora ? 1 : 0

  alarm_name          = "${var.environment}-connections"
  alarm_description   = "Four fifths of the database's connections are taken: docs/scale.md says what then."
  namespace           = "AWS/RDS"
  metric_name         = "DatabaseConnections"
  dimensions          = { DBClusterIdentifier = aws_rds_cluster.database[0].cluster_identifier }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = floor(local.maximum_connections * 0.8)
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
