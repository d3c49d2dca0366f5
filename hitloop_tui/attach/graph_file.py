"""Running the Python file or module that holds a graph, once, under a name its data can find."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.errors import GraphLoadError


def load_module(ref: GraphRef) -> ModuleType:
    """The module of a graph; a second graph of the same file gets the same module."""
    for key, value in ref.env.items():
        os.environ.setdefault(key, value)
    for directory in reversed(ref.search):
        _importable(directory)
    try:
        if isinstance(ref.location, str):
            return importlib.import_module(ref.location)
        return _load_file(ref.location)
    except GraphLoadError:
        raise
    except (Exception, SystemExit) as error:
        raise GraphLoadError(f"{ref.origin}: {_blame(error, ref)}") from error


def variable(module: ModuleType, ref: GraphRef) -> Any:
    """The object the reference names; a miss lists what could have been meant."""
    try:
        return getattr(module, ref.variable)
    except AttributeError:
        candidates = [name for name, value in vars(module).items() if _graph_like(name, value)]
        hint = f"it has {', '.join(candidates)}" if candidates else "it has nothing like a graph"
        raise GraphLoadError(
            f"{ref.origin}: {ref.location} has no variable {ref.variable}; {hint}"
        ) from None


def _graph_like(name: str, value: Any) -> bool:
    if name.startswith("_") or isinstance(value, type | ModuleType):
        return False
    return hasattr(value, "astream") or hasattr(value, "compile") or _own_function(value)


def _own_function(value: Any) -> bool:
    code = getattr(value, "__code__", None)
    return code is not None and value.__name__.startswith(("make_", "build_", "create_", "get_"))


def _load_file(file: Path) -> ModuleType:
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(file) and module.__name__ != "__main__":
            return module
    if (file.parent / "__init__.py").exists():
        return _load_from_package(file)
    _importable(file.parent)
    return _execute(file, _free_name(file))


def _load_from_package(file: Path) -> ModuleType:
    """Import by the dotted name, so that the file's relative imports work."""
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    _importable(root)
    return importlib.import_module(".".join(parts))


def _execute(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _free_name(file: Path) -> str:
    """The file's stem, as `import stem` beside it would say, unless that means another module."""
    if file.stem.isidentifier() and not _taken(file):
        return file.stem
    return f"_graph_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}_{file.stem}"


def _taken(file: Path) -> bool:
    if file.stem in sys.modules:
        return True
    found = importlib.util.find_spec(file.stem)
    return found is not None and found.origin != str(file)


def _importable(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _blame(error: BaseException, ref: GraphRef) -> str:
    """The exception, and the last line of the user's own code that led to it."""
    said = "".join(traceback.format_exception_only(error)).strip()
    own = [f for f in traceback.extract_tb(error.__traceback__) if _users(f.filename)]
    if not own:
        return f"{ref.location} could not be imported: {said}"
    return f"{said} ({own[-1].filename}:{own[-1].lineno}: {own[-1].line})"


def _users(filename: str) -> bool:
    installed = ("<frozen", sysconfig.get_path("stdlib"), str(Path(__file__).parent))
    return "site-packages" not in filename and not filename.startswith(installed)
