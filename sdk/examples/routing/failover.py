"""Neither provider nor model is named: the route decides, and moves on by itself. failover.yaml."""

import openai

from weir_client import ask, show

try:
    answer, served = ask("What is the difference between OpenAI and Anthropic models?")
    show("main", answer, served)
    print("response from: %s" % answer.model)
except openai.APIError as error:
    print("all providers failed: %s" % error)
