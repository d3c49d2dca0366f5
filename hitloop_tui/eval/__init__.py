"""Experiments: known mistakes, who notices them, and at what price."""

from hitloop_tui.eval.injectors import (
    ErrorInjector,
    InjectionConfig,
    InjectionResult,
    InjectionType,
)
from hitloop_tui.eval.metrics import MetricsCalculator
from hitloop_tui.eval.operators import SimulatedOperator
from hitloop_tui.eval.runner import (
    ExperimentCondition,
    ExperimentRunner,
    create_standard_conditions,
)

__all__ = [
    "ErrorInjector",
    "ExperimentCondition",
    "ExperimentRunner",
    "InjectionConfig",
    "InjectionResult",
    "InjectionType",
    "MetricsCalculator",
    "SimulatedOperator",
    "create_standard_conditions",
]
