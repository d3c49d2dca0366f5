"""A tool function's arguments by name: as a person sees and edits them, and as it is called."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

INJECTED = ("RunnableConfig", "ToolRuntime", "InjectedState", "InjectedStore", "InjectedTool")
"""Types of parameters that LangChain fills in: no person is asked about them."""


class Signature:
    """How a function is called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)
        self._hidden = frozenset(_hidden(self._signature))
        self._kinds = {n: parameter.kind for n, parameter in self._signature.parameters.items()}

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """Raises TypeError when they do not fit."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def shown(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        """Every argument by name, but for those that LangChain fills in."""
        shown: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if name in self._hidden:
                continue
            more = value if self._kinds[name] is Parameter.VAR_KEYWORD else {name: value}
            if twice := shown.keys() & more.keys():
                raise TypeError(f"two arguments have one name: {', '.join(sorted(twice))}")
            shown |= more
        return shown

    def rebind(
        self, bound: inspect.BoundArguments, edited: Mapping[str, Any]
    ) -> inspect.BoundArguments:
        """The call with edited arguments; raises TypeError when they do not fit."""
        if hidden := edited.keys() & self._hidden:
            raise TypeError(f"not to be edited: {', '.join(sorted(hidden))}")
        left, arguments = dict(edited), OrderedDict[str, Any]()
        for name, kind in self._kinds.items():
            if name in self._hidden:
                arguments[name] = bound.arguments[name]
            elif kind is Parameter.VAR_KEYWORD:
                arguments[name], left = left, {}
            elif kind is Parameter.VAR_POSITIONAL:
                arguments[name] = _several(name, left.pop(name, ()))
            elif name in left:
                arguments[name] = left.pop(name)
            elif self._signature.parameters[name].default is Parameter.empty:
                raise TypeError(f"missing: {name}")
        if left:
            raise TypeError(f"unknown: {', '.join(sorted(left))}")
        call = inspect.BoundArguments(self._signature, arguments)
        call.apply_defaults()
        return call


def _several(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"{name} must be a list")
    return tuple(values)


def _hidden(signature: inspect.Signature) -> list[str]:
    names = list(signature.parameters)
    injected = [
        name
        for name, parameter in signature.parameters.items()
        if any(mark in str(parameter.annotation) for mark in INJECTED)
    ]
    return [*(name for name in names[:1] if name in ("self", "cls")), *injected]
