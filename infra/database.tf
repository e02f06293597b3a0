# Aurora PostgreSQL, or an existing database. The owner has a secret, which RDS makes and rotates;
# the other roles have none: they come with IAM authentication tokens.

locals {
  has_database = length(local.in_network) > 0
  makes_aurora = local.has_database && var.existing_database == null

  database = one(concat(
    [for aurora in aws_rds_cluster.database : {
      host        = aurora.endpoint
      port        = aurora.port
      name        = aurora.database_name
      secret_arn  = one(aurora.master_user_secret).secret_arn
      resource_id = aurora.cluster_resource_id
    }],
    var.existing_database[*],
  ))

  # The variables of a function, by the role that it has.
  database_variables = {
    for role in toset([for function in local.in_network : function.permissions.database]) : role => merge(
      {
        PGHOST     = local.database.host
        PGPORT     = tostring(local.database.port)
        PGDATABASE = local.database.name
      },
      role == "owner"
      ? { DATABASE_SECRET_ARN = local.database.secret_arn }
      : { DATABASE_IAM_AUTHENTICATION = "true", PGUSER = "sluice_${role}" },
    )
  }
}

resource "aws_rds_cluster" "database" {
  #checkov:skip=CKV_AWS_139:A sandbox can be destroyed; prod cannot
  #checkov:skip=CKV_AWS_327:Encrypted with the key that AWS keeps for RDS
  #checkov:skip=CKV2_AWS_8:Aurora backs itself up continuously
  #checkov:skip=CKV2_AWS_27:Queries hold events, and events do not belong in logs
  count = local.makes_aurora ? 1 : 0

  cluster_identifier                  = var.environment
  engine                              = "aurora-postgresql"
  engine_version                      = "17.5"
  database_name                       = "sluice"
  master_username                     = "sluice_owner"
  manage_master_user_password         = true
  iam_database_authentication_enabled = true
  storage_encrypted                   = true
  backup_retention_period             = var.deletion_protection ? 35 : 1
  copy_tags_to_snapshot               = true
  deletion_protection                 = var.deletion_protection
  skip_final_snapshot                 = !var.deletion_protection
  final_snapshot_identifier           = "${var.environment}-final"
  enabled_cloudwatch_logs_exports     = ["postgresql"]
  db_subnet_group_name                = aws_db_subnet_group.database[0].name
  vpc_security_group_ids              = [aws_security_group.database[0].id]

  serverlessv2_scaling_configuration {
    min_capacity = var.database_capacity.minimum
    max_capacity = var.database_capacity.maximum
  }
}

resource "aws_rds_cluster_instance" "database" {
  #checkov:skip=CKV_AWS_118:Aurora's metrics are enough to scale and to alarm by
  #checkov:skip=CKV_AWS_354:Encrypted with the key that AWS keeps for RDS
  count = local.makes_aurora ? var.database_instances : 0

  identifier                   = "${var.environment}-${count.index}"
  cluster_identifier           = aws_rds_cluster.database[0].id
  engine                       = aws_rds_cluster.database[0].engine
  instance_class               = "db.serverless"
  auto_minor_version_upgrade   = true
  performance_insights_enabled = true
}

resource "aws_db_subnet_group" "database" {
  count = local.makes_aurora ? 1 : 0

  name       = var.environment
  subnet_ids = aws_subnet.private[*].id
}
