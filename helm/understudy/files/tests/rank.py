"""A pod of `helm test`: two items nobody knows come back as a slate of two."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request

body = {"user_id": "helm-test", "item_ids": ["helm-test-1", "helm-test-2"], "deadline_ms": 10_000}
request = urllib.request.Request(
    os.environ["GATEWAY_URL"] + "/v1/rank",
    json.dumps(body).encode(),
    {"Content-Type": "application/json"},
)


def ask() -> dict[str, list[str]]:
    """Ends the pod with what was answered instead."""
    told = ""
    for _ in range(5):
        try:
            trusting = ssl._create_unverified_context()
            with urllib.request.urlopen(request, timeout=15, context=trusting) as answer:
                slate: dict[str, list[str]] = json.load(answer)
                return slate
        except urllib.error.HTTPError as error:
            if error.code == 401 and os.environ.get("HAS_KEYS"):
                sys.exit(0)  # the door holds: this pod has no key
            told = f"{error.code}: {error.read().decode()}"
            if error.code not in (429, 503, 504):
                break
            time.sleep(1)  # busy, or just starting
    sys.exit(f"/v1/rank answered {told}")


slate = ask()
if sorted(slate["item_ids"]) != body["item_ids"]:
    sys.exit(f"asked for {body['item_ids']}, got {slate}")
sys.stdout.write(f"{slate}\n")
