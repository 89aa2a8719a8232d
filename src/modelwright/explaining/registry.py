"""The registry of methods of explanation.

To add a method, write one module here with a ``Method`` and add one line to ``BUILT_IN``. Another
package registers its method as an entry point instead::

    [project.entry-points."modelwright.explainers"]
    NAME = "package.module:METHOD"

A method's module is imported when somebody needs that method, not before.
"""

from __future__ import annotations

from modelwright.core.errors import ConfigError, ModelwrightError
from modelwright.core.plugins import find_registered, registered_names
from modelwright.core.types import Task
from modelwright.explaining.method import Method

BUILT_IN = {
    "in-and-out": "modelwright.explaining.in_and_out:METHOD",
    "leave-one-out": "modelwright.explaining.leave_one_out:METHOD",
    "masks": "modelwright.explaining.masks:METHOD",
    "occlusion": "modelwright.explaining.occlusion:METHOD",
    "lime": "modelwright.explaining.lime:METHOD",
    "grad-cam": "modelwright.explaining.grad_cam:METHOD",
    "integrated-gradients": "modelwright.explaining.integrated_gradients:METHOD",
}
ENTRY_POINTS = "modelwright.explainers"
AUTO: dict[Task, str] = {"text": "in-and-out", "image": "masks"}
"""The default method for each kind of rows, chosen by measured faithfulness and time."""
QUICK: dict[Task, str] = {"text": "leave-one-out", "image": "occlusion"}
"""The method that takes the least time for each kind of rows."""
_FIELDS = ("name", "tasks", "random", "needs_gradients", "weigh")


def method_names() -> list[str]:
    """Returns the names of all methods; loads none."""
    return registered_names(BUILT_IN, ENTRY_POINTS)


def find_method(name: str) -> Method:
    """Returns a method.

    Raises:
        ConfigError: no such method is registered, or an entry point is not a method.
        MissingDependencyError: its entry point cannot be loaded.
    """
    found: Method = find_registered(
        "method of explanation",
        name,
        BUILT_IN,
        ENTRY_POINTS,
        fits=lambda one: all(hasattr(one, field) for field in _FIELDS) and one.name == name,
        expected=f"an object with {', '.join(_FIELDS)} and that name",
        also=("auto", "quick"),
    )
    return found


def choose_method(name: str, task: Task, *, gradients: bool, model: str = "the model") -> Method:
    """Returns the method for a model.

    Args:
        name: ``auto``, ``quick``, or the name of a method.
        task: what the model classifies.
        gradients: whether the model is a network with gradients.
        model: names the model in messages.

    Raises:
        ConfigError: there is no such method, or it cannot explain this model.
        MissingDependencyError: the method's package is not installed.
    """
    method = find_method({"auto": AUTO[task], "quick": QUICK[task]}.get(name, name))
    if task not in method.tasks:
        able = [one for one in method_names() if _explains(one, task)]
        raise ConfigError(
            f"the method '{method.name}' explains {' and '.join(method.tasks)} models, but {model}"
            f" classifies {task}s; methods for {task}s: {', '.join(able)}."
        )
    if method.needs_gradients and not gradients:
        raise ConfigError(
            f"the method '{method.name}' needs gradients, which {model} does not have, because a"
            " servable holds no trainable network; explain the run that it was exported from"
            f" (modelwright explain runs/NAME ... --method {method.name}), or leave out --method"
            f" for {AUTO[task]}, which needs none."
        )
    return method


def _explains(name: str, task: Task) -> bool:
    """Returns whether a method can be loaded and explains such rows."""
    try:
        return task in find_method(name).tasks
    except ModelwrightError:
        return False
