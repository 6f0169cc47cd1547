"""The gateway reads the last message of the user and picks the provider. Configuration: content.yaml."""

from weir_client import ask, show

QUERIES = {
    "no rule fits": "Write a function in Python to calculate the Fibonacci sequence.",
    "code": "Review this CODE: print('hello')",
    "program": "What does a programmer do all day?",
    "creative": "Something creative about the sea, please.",
    "story": "A short story about a robot that paints.",
    "code before story": "Write a program that tells a story.",
    "long": "Why? " * 101,
    "short": "Why? " * 100,
}
for what, query in QUERIES.items():
    show(what, *ask(query))
