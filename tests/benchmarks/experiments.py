"""Trials per second of an experiment with telemetry on a file, beside hitloop 0.5.1.

    python -m tests.benchmarks.experiments [--peer PYTHON]

`--peer` is the interpreter of an environment with hitloop 0.5.1. Four conditions, backends that
answer at once. Rounds alternate, so that a busy machine slows both; the medians are compared.
Ours counts until every event is synced to the disk.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile

ROUND = """
import asyncio, importlib, json, sys, time
from pathlib import Path
library, folder, kind, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
of = lambda name: importlib.import_module(library + name)
backends, policies, runners = of(".backends.cli_backend"), of(".policies"), of(".eval.runner")
logger = of(".core.logger").TelemetryLogger(folder / "t.db")
scenarios = of(".scenarios")
if kind == "email_draft":
    scenario = scenarios.EmailDraftScenario(output_dir=folder / "emails")
else:
    scenario = scenarios.RecordUpdateScenario(db_path=folder / "crm.db")
config = of(".eval.injectors").InjectionConfig(injection_rate=0.2, seed=42)
runner = runners.ExperimentRunner(logger, output_dir=folder)
for name, policy, backend in [
    ("nobody", policies.AlwaysApprovePolicy(), backends.AutoApproveBackend()),
    ("auto", policies.RiskBasedPolicy(require_approval_for_medium=True),
     backends.AutoApproveBackend()),
    ("script", policies.RiskBasedPolicy(require_approval_for_medium=True),
     backends.ScriptedBackend([True, True, False, True, True])),
    ("audit", policies.AuditPlusEscalatePolicy(audit_sample_rate=0.3, seed=42),
     backends.AutoApproveBackend()),
]:
    runner.add_condition(
        runners.ExperimentCondition(name, policy, backend, scenario, config, count, 42))
silent = lambda current, total, message: None
start = time.perf_counter()
asyncio.run(runner.run_all(silent))
getattr(logger, "flush", int)()
ran = time.perf_counter()
runner.export_results("results.csv", "summary.json")
exported = time.perf_counter()
print(json.dumps([4 * count / (ran - start), (exported - ran) / (4 * count) * 1000]))
logger.close()
"""
OURS, PEER = 200, 40
"""Trials per condition in a round."""
SECONDS = 300


def one_round(python: str, library: str, scenario: str, count: int) -> tuple[float, float]:
    """Trials per second, and milliseconds per trial of exporting."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        command = [python, "-c", ROUND, library, folder, scenario, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    rate, export = json.loads(done.stdout)
    return rate, export


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="python of an environment with hitloop 0.5.1")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for scenario in ("email_draft", "record_update"):
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(options.rounds):
            ours = one_round(sys.executable, "hitloop_tui", scenario, OURS)
            found.setdefault("hitloop_tui", []).append(ours)
            if options.peer:
                theirs = one_round(options.peer, "hitloop", scenario, PEER)
                found.setdefault("hitloop", []).append(theirs)
        rates = {name: statistics.median(rate for rate, _ in rows) for name, rows in found.items()}
        for name, rows in found.items():
            export = statistics.median(export for _, export in rows)
            ratio = f"  {rates[name] / rates['hitloop']:6.1f}x" if options.peer else ""
            print(
                f"{scenario:14} {name:12} {rates[name]:8.0f} trials/s{ratio}"
                f"   export {export:.2f} ms a trial"
            )


if __name__ == "__main__":
    main()
