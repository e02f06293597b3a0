resource "aws_kinesis_stream" "stream" {
  for_each = local.streams

  name             = "${var.environment}-${each.key}"
  retention_period = var.stream_retention
  shard_count      = lookup(var.provisioned_shards, each.key, null)
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = contains(keys(var.provisioned_shards), each.key) ? "PROVISIONED" : "ON_DEMAND"
  }
}

resource "aws_sqs_queue" "on_failure" {
  for_each = local.queues

  name                      = "${var.environment}-${each.key}"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_event_source_mapping" "consumer" {
  for_each = local.consumers

  event_source_arn                   = aws_kinesis_stream.stream[each.value.trigger.stream].arn
  function_name                      = aws_lambda_alias.live[each.key].arn
  function_response_types            = ["ReportBatchItemFailures"]
  batch_size                         = each.value.trigger.batch_size
  maximum_batching_window_in_seconds = each.value.trigger.batching_window
  parallelization_factor             = each.value.trigger.parallelization_factor
  maximum_retry_attempts             = each.value.trigger.maximum_retry_attempts
  maximum_record_age_in_seconds      = each.value.trigger.maximum_record_age
  bisect_batch_on_function_error     = each.value.trigger.bisect_on_error
  tumbling_window_in_seconds         = each.value.trigger.tumbling_window
  starting_position                  = each.value.trigger.starting_position
  starting_position_timestamp = (
    each.value.trigger.starting_position_timestamp == null
    ? null
    : timeadd("1970-01-01T00:00:00Z", "${each.value.trigger.starting_position_timestamp}s")
  )

  dynamic "filter_criteria" {
    for_each = length(each.value.trigger.filters) > 0 ? [each.value.trigger.filters] : []

    content {
      dynamic "filter" {
        for_each = filter_criteria.value

        content {
          pattern = filter.value
        }
      }
    }
  }

  dynamic "destination_config" {
    for_each = each.value.trigger.on_failure_queue == null ? [] : [each.value.trigger.on_failure_queue]

    content {
      on_failure {
        destination_arn = aws_sqs_queue.on_failure[destination_config.value].arn
      }
    }
  }
}
