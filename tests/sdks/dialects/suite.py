"""The official SDKs of each dialect against every provider part: `suite.py [CELLS]` plays those
whose name holds this."""

import sys

import cells
from with_anthropic import Anthropic
from with_chat import Chat
from with_genai import GoogleGenai
from with_ollama import Ollama
from with_responses import Responses

if __name__ == "__main__":
    passed, failed, skipped = cells.run("dialects", [Anthropic, GoogleGenai, Ollama, Responses, Chat],
                                        " ".join(sys.argv[1:]))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed or not passed else 0)
