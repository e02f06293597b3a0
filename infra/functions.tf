# Terraform owns a function's configuration, the deployer its code: after the first apply, which
# needs some zip, code and alias are left as the deployer put them.

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with a key of its own; they hold no event's content
  #checkov:skip=CKV_AWS_338:How long logs are kept is the environment's choice
  for_each = local.functions

  name              = "/aws/lambda/${each.value.deployed_name}"
  retention_in_days = var.log_retention
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_50:Tracing each invocation costs more than running it
  #checkov:skip=CKV_AWS_115:The BUILD target says which function has a reserved concurrency
  #checkov:skip=CKV_AWS_116:The BUILD target says which function has an on-failure destination
  #checkov:skip=CKV_AWS_117:Functions without a database have nothing to reach in a network of ours
  #checkov:skip=CKV_AWS_173:No variable is secret: keys are hashed, credentials are not there
  #checkov:skip=CKV_AWS_272:The deployer compares each zip with the SHA-256 of its manifest
  for_each = local.functions

  function_name                  = each.value.deployed_name
  role                           = aws_iam_role.function[each.key].arn
  filename                       = "${var.dist}/${each.value.zip.file}"
  handler                        = each.value.handler
  runtime                        = each.value.runtime
  architectures                  = [each.value.architecture]
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.reserved_concurrency == null ? -1 : each.value.reserved_concurrency
  publish                        = true

  environment {
    variables = merge(
      { ENVIRONMENT = var.environment },
      contains(keys(local.producers), each.key) ? { API_KEY_SHA256 = join(",", var.api_key_sha256) } : {},
      contains(keys(local.in_network), each.key) ? local.database_variables[each.value.permissions.database] : {},
    )
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.function[each.key].name
  }

  dynamic "vpc_config" {
    for_each = contains(keys(local.in_network), each.key) ? [local.network] : []

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = [aws_security_group.functions[0].id]
    }
  }

  depends_on = [aws_iam_role_policy.function]

  lifecycle {
    ignore_changes = [filename, source_code_hash]
  }
}

resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  function_name    = aws_lambda_function.function[each.key].function_name
  function_version = aws_lambda_function.function[each.key].version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

# Where an event goes that an asynchronous invocation has failed on for good.
resource "aws_lambda_function_event_invoke_config" "on_failure" {
  for_each = { for name, function in local.functions : name => function if function.on_failure != null }

  function_name = aws_lambda_function.function[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name

  destination_config {
    on_failure {
      destination = aws_lambda_alias.live[each.value.on_failure].arn
    }
  }
}
