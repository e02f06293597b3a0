# What there is to build: the manifests in dist/, and nothing else.

locals {
  manifests = {
    for file in fileset(var.dist, "*.*.json") :
    trimsuffix(file, ".json") => jsondecode(file("${var.dist}/${file}"))
  }

  # What holds for sandbox holds for sandbox-ann.
  environment_kind = split("-", var.environment)[0]

  functions = {
    for name, manifest in local.manifests : name => merge(manifest, {
      deployed_name = "${var.environment}-${replace(name, ".", "-")}"
      trigger_type  = try(manifest.trigger.type, "none")
    })
    if try(contains(manifest.environments, local.environment_kind), true)
  }

  producers  = { for name, function in local.functions : name => function if length(function.permissions.writes_to) > 0 }
  consumers  = { for name, function in local.functions : name => function if function.trigger_type == "stream" }
  scheduled  = { for name, function in local.functions : name => function if function.trigger_type == "schedule" }
  over_http  = { for name, function in local.functions : name => function if function.trigger_type == "http" }
  in_network = { for name, function in local.functions : name => function if function.permissions.database != null }

  routes = merge([
    for name, function in local.over_http : { for route in function.trigger.routes : route => name }
  ]...)

  streams = setunion(
    [for function in local.consumers : function.trigger.stream],
    flatten([for function in local.functions : function.permissions.writes_to]),
    flatten([for function in local.functions : function.permissions.reads_from]),
  )
  queues = toset([
    for function in local.consumers : function.trigger.on_failure_queue
    if function.trigger.on_failure_queue != null
  ])
}
