from chalice import Chalice
from chalicelib.app import handler

app = Chalice(app_name="peer-producer")
producer = app.lambda_function()(handler)
