"""A pod of `helm test`: the gateway reads its cache."""

import json
import os
import ssl
import sys
import time
import urllib.request

url, trusting = os.environ["GATEWAY_URL"], ssl._create_unverified_context()
told: dict[str, object] = {}
for _ in range(30):
    with urllib.request.urlopen(url + "/v1/cache/status", timeout=10, context=trusting) as answer:
        told = json.load(answer)
    if told["redis"] == "available":
        sys.stdout.write(f"{told}\n")
        sys.exit(0)
    time.sleep(2)
sys.exit(f"the gateway cannot read its cache: {told}")
