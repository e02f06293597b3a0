# A role for each function, with what its manifest asks for.

locals {
  stream_arns = { for name, stream in aws_kinesis_stream.stream : name => stream.arn }

  # Each kind of permission: the functions that have it, and on what.
  permissions = {
    for name, function in local.functions : name => [
      for statement in [
        {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.function[name].arn}:*"]
        },
        {
          actions   = ["kinesis:PutRecords"]
          resources = [for stream in function.permissions.writes_to : local.stream_arns[stream]]
        },
        {
          actions   = ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
          resources = [for stream in function.permissions.reads_from : local.stream_arns[stream]]
        },
        # "Configuring permissions for Kinesis", Lambda developer guide.
        {
          actions   = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
          resources = function.trigger_type == "stream" ? [local.stream_arns[function.trigger.stream]] : []
        },
        {
          actions   = ["kinesis:ListStreams"]
          resources = function.trigger_type == "stream" ? ["*"] : []
        },
        {
          actions   = ["sqs:SendMessage"]
          resources = try(function.trigger.on_failure_queue, null) == null ? [] : [aws_sqs_queue.on_failure[function.trigger.on_failure_queue].arn]
        },
        {
          actions   = ["lambda:InvokeFunction"]
          resources = function.on_failure == null ? [] : ["arn:aws:lambda:${var.region}:${data.aws_caller_identity.current.account_id}:function:${local.functions[function.on_failure].deployed_name}:live"]
        },
        {
          actions   = ["secretsmanager:GetSecretValue"]
          resources = function.permissions.database == "owner" ? [local.database.secret_arn] : []
        },
        {
          actions   = ["rds-db:connect"]
          resources = contains(["owner", "none"], coalesce(function.permissions.database, "none")) ? [] : ["arn:aws:rds-db:${var.region}:${data.aws_caller_identity.current.account_id}:dbuser:${local.database.resource_id}/sluice_${function.permissions.database}"]
        },
        # "Giving Lambda functions access to resources in an Amazon VPC", Lambda developer guide.
        {
          actions   = ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"]
          resources = function.permissions.database == null ? [] : ["*"]
        },
      ] : statement if length(statement.resources) > 0
    ]
  }
}

data "aws_iam_policy_document" "assumed_by_lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name               = each.value.deployed_name
  assume_role_policy = data.aws_iam_policy_document.assumed_by_lambda.json
}

resource "aws_iam_role_policy" "function" {
  #checkov:skip=CKV_AWS_355:Lambda's network interfaces and kinesis:ListStreams know no resource
  #checkov:skip=CKV_AWS_290:The same; the function's own code is denied the former
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for statement in local.permissions[each.key] : { Effect = "Allow", Action = statement.actions, Resource = statement.resources }],
      # Lambda makes the network interfaces, not the function's code.
      each.value.permissions.database == null ? [] : [{
        Effect    = "Deny"
        Action    = ["ec2:*"]
        Resource  = ["*"]
        Condition = { ArnLike = { "lambda:SourceFunctionArn" = "arn:aws:lambda:*:*:function:${each.value.deployed_name}" } }
      }],
    )
  })
}
