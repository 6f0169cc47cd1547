"""Simple tasks go to the cheapest model, others to a better one. Configuration: cost.yaml."""

from weir_client import ask, show

WEATHER = {"type": "function", "function": {
    "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}

show("simple", *ask("What is the capital of France?"))
show("long", *ask("Summarize this: " + "It was a dark and stormy night. " * 200))
show("with tools", *ask("Is it warm in Paris?", tools=[WEATHER]))
