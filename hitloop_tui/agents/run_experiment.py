"""A whole experiment: four conditions, injected errors, results as CSV and JSON.

    python agents/run_experiment.py --n-trials 20

The operators are simulated; `hitloop-tui experiment` does the same from the command line. Ctrl+C
keeps what is done.
"""

import argparse
import asyncio
import json
from pathlib import Path

from hitloop_tui import TelemetryLogger
from hitloop_tui.eval import ExperimentRunner
from hitloop_tui.eval.runner import create_standard_conditions
from hitloop_tui.scenarios import EmailDraftScenario


def run_experiment(n_trials: int, injection_rate: float, output_dir: Path) -> None:
    scenario = EmailDraftScenario(output_dir=output_dir / "emails")
    with TelemetryLogger(output_dir / "experiment.db") as logger:
        runner = ExperimentRunner(logger, output_dir=output_dir)
        for condition in create_standard_conditions(
            scenario=scenario, n_trials=n_trials, injection_rate=injection_rate
        ):
            runner.add_condition(condition)
        try:
            asyncio.run(runner.run_all())
        except KeyboardInterrupt:
            print("Stopped; these are the trials until now.")
        csv_path, json_path = runner.export_results("results.csv", "summary.json")
    scenario.close()
    print(f"Results: {csv_path}\nSummary: {json_path}\n")
    print(json.dumps(runner.get_summary(), indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a human-in-the-loop experiment")
    parser.add_argument("--n-trials", type=int, default=20, help="trials per condition")
    parser.add_argument("--injection-rate", type=float, default=0.2, help="share of wrong actions")
    parser.add_argument("--output-dir", type=Path, default=Path("experiment_results"))
    options = parser.parse_args()
    options.output_dir.mkdir(parents=True, exist_ok=True)
    run_experiment(options.n_trials, options.injection_rate, options.output_dir)


if __name__ == "__main__":
    main()
