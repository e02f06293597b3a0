# Private subnets without a way out: functions with a database reach it and, through VPC endpoints,
# the AWS services they need, and nothing else. There is no NAT gateway to pay for.

locals {
  zones = 2 # Aurora wants two

  network = one(concat(
    [for network in aws_vpc.network : { vpc_id = network.id, subnet_ids = aws_subnet.private[*].id }],
    var.existing_database[*],
  ))
  database_security_group = one(concat(
    aws_security_group.database[*].id,
    var.existing_database[*].security_group_id,
  ))

  # What functions with a database may open connections to.
  reached = local.has_database ? {
    database  = { description = "PostgreSQL", security_group_id = local.database_security_group, port = local.database.port }
    endpoints = { description = "AWS services", security_group_id = aws_security_group.endpoints[0].id, port = 443 }
  } : {}

  # The services that code inside the network calls. An authentication token is signed, not fetched.
  endpoints = toset(concat(
    anytrue([for function in local.in_network : function.permissions.database == "owner"]) ? ["secretsmanager"] : [],
    anytrue([for function in local.in_network : length(concat(function.permissions.writes_to, function.permissions.reads_from)) > 0]) ? ["kinesis-streams"] : [],
  ))
}

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:They come sorted by name and the first two are taken; a new one comes last
  state = "available"
}

resource "aws_vpc" "network" {
  #checkov:skip=CKV2_AWS_11:Nothing leaves or enters this network, so there is no flow to log
  count = local.makes_aurora ? 1 : 0

  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.environment }
}

# The network's default group, which a resource gets by oversight, allows nothing.
resource "aws_default_security_group" "nothing" {
  count = local.makes_aurora ? 1 : 0

  vpc_id = aws_vpc.network[0].id
}

resource "aws_subnet" "private" {
  count = local.makes_aurora ? local.zones : 0

  vpc_id            = aws_vpc.network[0].id
  availability_zone = data.aws_availability_zones.available.names[count.index]
  cidr_block        = cidrsubnet(aws_vpc.network[0].cidr_block, 4, count.index)

  tags = { Name = "${var.environment}-private-${count.index}" }
}

resource "aws_security_group" "functions" {
  count = local.has_database ? 1 : 0

  name        = "${var.environment}-functions"
  description = "Functions that have a database"
  vpc_id      = local.network.vpc_id
}

resource "aws_security_group" "database" {
  count = local.makes_aurora ? 1 : 0

  name        = "${var.environment}-database"
  description = "The database"
  vpc_id      = local.network.vpc_id
}

resource "aws_security_group" "endpoints" {
  count = local.has_database ? 1 : 0

  name        = "${var.environment}-endpoints"
  description = "AWS services, through VPC endpoints"
  vpc_id      = local.network.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "functions" {
  for_each = local.reached

  description                  = each.value.description
  security_group_id            = aws_security_group.functions[0].id
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "functions" {
  for_each = local.reached

  description                  = each.value.description
  security_group_id            = each.value.security_group_id
  referenced_security_group_id = aws_security_group.functions[0].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_endpoint" "service" {
  for_each = local.endpoints

  vpc_id              = local.network.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = slice(local.network.subnet_ids, 0, var.endpoint_zones)
  security_group_ids  = [aws_security_group.endpoints[0].id]

  tags = { Name = "${var.environment}-${each.key}" }
}
