from chalice import Chalice
from chalicelib.app import handler

app = Chalice(app_name="peer-sink")
sink = app.lambda_function()(handler)
