output "url" {
  description = "The address of the HTTP API."
  value       = aws_apigatewayv2_api.api.api_endpoint
}

output "functions" {
  description = "The functions' names on AWS, by their names in dist/."
  value       = { for name, function in local.functions : name => function.deployed_name }
}

output "dashboard" {
  description = "The dashboard's address."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${var.environment}"
}
