"""Asked, sent, called back, decided: a webhook round trip in one process, beside hitloop 0.5.1.

    python -m tests.benchmarks.webhooks [--peer PYTHON]

`--peer` is the interpreter of an environment with hitloop 0.5.1. Requests lie in memory, a task
answers each as soon as it was sent, and 1, 100 or 1,000 wait at once. Rounds alternate, so that a
busy machine slows all alike; the medians are compared. `future` is the floor: a future per request,
set by the same task.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

ROUND = """
import asyncio, importlib, json, sys, time
library, kind, at_once, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
of = lambda name: importlib.import_module(library + name)
m = of(".core.models")
sent = asyncio.Queue()
def request():
    action = m.Action(tool_name="send_email", tool_args={"to": "a@b.example", "body": "x" * 200},
                      risk_class=m.RiskClass.HIGH, side_effects=["email_sent"], rationale="asked")
    return m.ApprovalRequest(run_id="r", action=action, policy_name="p", policy_reason="why")
async def send(request, callback_id, url):
    sent.put_nowait(callback_id)
class Future:
    def __init__(self):
        self.waiting = {}
    async def request_approval(self, request):
        key = len(self.waiting)
        future = self.waiting[key] = asyncio.get_running_loop().create_future()
        await send(request, key, "")
        return m.Decision(action_id=request.action.id, approved=await future)
    async def handle_callback(self, key, approved, decided_by):
        self.waiting.pop(key).set_result(approved)
def backend():
    if kind == "future":
        return Future()
    return getattr(of(".backends"), kind)(send_request=send, timeout_seconds=300)
async def answer(backend):
    while True:
        await backend.handle_callback(await sent.get(), True, decided_by="slack:ann")
async def main():
    asked = backend()
    person = asyncio.create_task(answer(asked))
    async def burst():
        requests = [request() for _ in range(at_once)]
        start = time.perf_counter()
        decisions = await asyncio.gather(*map(asked.request_approval, requests))
        spent = time.perf_counter() - start
        assert all(decision.approved for decision in decisions)
        return spent * 1000
    for _ in range(max(1, count // 10)):
        await burst()
    print(json.dumps([await burst() for _ in range(count)]))
    person.cancel()
asyncio.run(main())
"""
BURSTS = {1: 2_000, 100: 50, 1_000: 10}
KINDS = [
    ("hitloop", "WebhookBackend"),
    ("hitloop", "PersistentWebhookBackend"),
    ("hitloop_tui", "WebhookBackend"),
    ("hitloop_tui", "PersistentWebhookBackend"),
    ("hitloop_tui", "future"),
]


def one_round(python: str, library: str, kind: str, at_once: int) -> float:
    """The median burst, in milliseconds."""
    command = [python, "-c", ROUND, library, kind, str(at_once), str(BURSTS[at_once])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return statistics.median(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="python of an environment with hitloop 0.5.1")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pythons = {"hitloop_tui": sys.executable, "hitloop": options.peer}
    for at_once in BURSTS:
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(options.rounds):
            for library, kind in KINDS:
                if python := pythons[library]:
                    spent = one_round(python, library, kind, at_once)
                    found.setdefault((library, kind), []).append(spent)
        for (library, kind), spent in found.items():
            median = statistics.median(spent)
            peer = found.get(("hitloop", kind))
            ratio = f"{median / statistics.median(peer):6.2f}x" if peer else ""
            print(f"{at_once:5} at once  {library:12}{kind:26}{median:9.3f} ms {ratio}")


if __name__ == "__main__":
    main()
