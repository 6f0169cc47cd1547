"""Neither provider nor model is named: the route decides, and moves on by itself. failover.yaml."""

import openai

from weir_client import ask, show

try:
    show("main", *ask("How do the models of OpenAI and Anthropic differ?"))
except openai.APIError as error:
    print("all providers failed: %s" % error)
