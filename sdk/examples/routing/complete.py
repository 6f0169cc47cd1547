"""The complete router: nothing of it is in the application. Configuration: complete.yaml."""

from weir_client import ask

QUERIES = ("Explain how a neural network works.",
           "Write a creative short story about a robot learning to paint.",
           "Write a Python function to sort a list using merge sort.")

for query in QUERIES:
    answer, served = ask(query, temperature=0.7)
    print("%s\n    answered by %s: %s" % (query, served, answer.choices[0].message.content[:150]))
