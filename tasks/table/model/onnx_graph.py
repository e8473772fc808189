"""The model as ONNX in double precision, over the user's own columns, one input each.

An input is a column (n, 1): of doubles, NaN where a value is missing; or of strings, of which one, which is the empty
one unless that is a level, marks a missing value. The input's `doc_string` says so.
"""

import math
from itertools import count
from typing import Any

import numpy as np

from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput

# Of the operators of ai.onnx and of ai.onnx.ml, the first whose LabelEncoder yields doubles, and of the file.
OPERATORS, ML_OPERATORS, FILE_VERSION = 18, 4, 9


def as_onnx(model: LinearModel) -> bytes:
    """Write the model with the standard's operators alone, so that no runtime needs an extension.

    Raises:
        ModuleNotFoundError: without the package onnx.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph({column.name for column in model.plain})
    terms = [graph.constant("bias", model.bias)]
    terms += [
        _number(graph, column) if isinstance(column, NumberInput) else _category(graph, column)
        for column in model.plain
    ]
    total = graph.add("Sum", terms)
    if model.smearing is not None:
        total = graph.add("Mul", [graph.add("Exp", [total]), graph.constant("smearing", model.smearing)])
    beyond = graph.add("IsInf", [total])
    output = graph.add(
        "Where", [beyond, graph.constant("none", math.nan), total], f"predicted_{model.target}"
    )

    written = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "linear-neuron",
            [_input(column) for column in model.plain],
            [helper.make_tensor_value_info(output, TensorProto.DOUBLE, ["rows", 1])],
            graph.constants,
        ),
        producer_name="linear-neuron",
        ir_version=FILE_VERSION,
        opset_imports=[
            helper.make_opsetid("", OPERATORS),
            helper.make_opsetid("ai.onnx.ml", ML_OPERATORS),
        ],
    )
    onnx.checker.check_model(written)
    return bytes(written.SerializeToString(deterministic=True))


def missing_mark(column: CategoryInput) -> str:
    """Return the string that stands for a missing value: empty, or a few of a sign where that is a level."""
    return next(mark for number in count() if (mark := "␀" * number) not in column.weights)


class _Graph:
    """Collects the nodes and constants of a graph, each under a name that no column has."""

    def __init__(self, taken: set[str]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(taken)

    def constant(self, name: str, value: float) -> str:
        """Add a number; return its name."""
        from onnx import TensorProto, helper

        self.constants.append(helper.make_tensor(self._free(name), TensorProto.DOUBLE, [1], [value]))
        return str(self.constants[-1].name)

    def add(self, operator: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        """Add a node; return its output's name."""
        from onnx import helper

        output = self._free(name or operator)
        domain = "ai.onnx.ml" if operator == "LabelEncoder" else ""
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def _free(self, name: str) -> str:
        free = next(
            other
            for number in count()
            if (other := f"{name}_{number}" if number else name) not in self._taken
        )
        self._taken.add(free)
        return free


def _number(graph: _Graph, column: NumberInput) -> str:
    value = column.name
    if column.mean is not None:
        is_missing = graph.add("IsNaN", [value])
        value = graph.add("Where", [is_missing, graph.constant("mean", column.mean), value])
    return graph.add("Mul", [graph.constant("weight", column.weight), value])


def _category(graph: _Graph, column: CategoryInput) -> str:
    from onnx import TensorProto, helper

    weights = {**column.weights, missing_mark(column): column.average if column.fill else math.nan}
    levels = np.array([*weights], dtype=object)
    return graph.add(
        "LabelEncoder",
        [column.name],
        keys_tensor=helper.make_tensor("levels", TensorProto.STRING, [len(levels)], levels),
        values_tensor=helper.make_tensor("weights", TensorProto.DOUBLE, [len(levels)], [*weights.values()]),
        default_tensor=helper.make_tensor("average", TensorProto.DOUBLE, [1], [column.average]),
    )


def _input(column: NumberInput | CategoryInput) -> Any:
    from onnx import TensorProto, helper

    if isinstance(column, NumberInput):
        kind, mark = TensorProto.DOUBLE, "NaN"
    else:
        kind, mark = TensorProto.STRING, repr(missing_mark(column))
    return helper.make_tensor_value_info(
        column.name, kind, ["rows", 1], doc_string=f"A missing value is {mark}."
    )
