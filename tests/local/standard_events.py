"""The documents of events that AWS publishes, with all their fields.

Source: "Using Lambda to process records from Amazon Kinesis Data Streams", "Create AWS Lambda proxy
integrations for HTTP APIs in API Gateway" (payload format 2.0), "Creating a rule that runs on a
schedule in Amazon EventBridge" and "Invoke a Lambda function using a test event" (the console's
template).
"""

from typing import Any

KINESIS: dict[str, Any] = {
    "Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "basket-7",
                "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "data": "eyJsZXZlbCI6ICJJTkZPIn0=",
                "approximateArrivalTimestamp": 1767225600.125,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": "shardId-000000000006:4959033827149025660855969253836157109592157598913658",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/consumer",
            "awsRegion": "eu-central-1",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/qa-logs",
        }
    ]
}
HTTP_API: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "POST /items/{id}",
    "rawPath": "/items/ä b",
    "rawQueryString": "q=1&q=2&empty=",
    "cookies": ["session=abc", "theme=dark"],
    "headers": {"content-type": "application/json", "x-many": "one,two"},
    "queryStringParameters": {"q": "1,2", "empty": ""},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "a1b2c3",
        "authentication": {
            "clientCert": {
                "clientCertPem": "certificate",
                "subjectDN": "CN=client",
                "issuerDN": "CN=issuer",
                "serialNumber": "01:02",
                "validity": {
                    "notBefore": "Jan  1 00:00:00 2026 GMT",
                    "notAfter": "Jan  1 00:00:00 2027 GMT",
                },
            }
        },
        "authorizer": {"jwt": {"claims": {"sub": "7"}, "scopes": ["read", "write"]}},
        "domainName": "a1b2c3.execute-api.eu-central-1.amazonaws.com",
        "domainPrefix": "a1b2c3",
        "http": {
            "method": "POST",
            "path": "/items/ä b",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent/1.0",
        },
        "requestId": "request=",
        "routeKey": "POST /items/{id}",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    },
    "body": '{"quote": "\\"", "emoji": "\U0001f389"}',
    "pathParameters": {"id": "ä b"},
    "isBase64Encoded": False,
    "stageVariables": {"colour": "blue"},
}
SCHEDULED = {
    "version": "0",
    "id": "0b1c2d3e-0000-4000-8000-000000000000",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/qa-consumers-clean_up"],
    "detail": {},
}
TEST_CONSOLE = {"key1": "value1", "key2": "value2", "key3": "value3"}
