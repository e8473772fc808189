"""The model as PMML 4.4, the data-mining groups' XML: https://dmg.org/pmml/v4-4-1/Regression.html."""

import re
from xml.etree import ElementTree as ET

from tasks.table.errors import BadTable, quoted
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput

NAMESPACE = "http://www.dmg.org/PMML-4_4"

# What XML 1.0 cannot hold, and a return, which its readers make a new line.
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_pmml(model: LinearModel) -> bytes:
    """Write the model as a `RegressionModel`.

    A level becomes its weight by a table, `MapValues`: PMML's own categorical predictors would let an unknown level,
    and a missing one, count as the reference.

    Raises:
        BadTable: a name or a level has a character that XML cannot hold.
    """
    root = ET.Element("PMML", xmlns=NAMESPACE, version="4.4")
    ET.SubElement(ET.SubElement(root, "Header"), "Application", name="linear-neuron")
    dictionary = ET.SubElement(root, "DataDictionary", numberOfFields=str(len(model.plain) + 1))
    regression = ET.SubElement(
        root, "RegressionModel", functionName="regression", algorithmName="least squares by SGD"
    )
    schema = ET.SubElement(regression, "MiningSchema")
    if model.smearing is not None:
        regression.set("normalizationMethod", "exp")
        targets = ET.SubElement(regression, "Targets")
        ET.SubElement(targets, "Target", field=_checked(model.target), rescaleFactor=repr(model.smearing))
    derived = ET.SubElement(regression, "LocalTransformations")
    table = ET.SubElement(regression, "RegressionTable", intercept=repr(model.bias))

    taken = {model.target, *(each.name for each in model.plain)}
    for column in model.plain:
        _add_field(dictionary, column.name, is_text=isinstance(column, CategoryInput))
        field = ET.SubElement(schema, "MiningField", name=_checked(column.name))
        if isinstance(column, NumberInput):
            if column.mean is not None:
                field.set("missingValueReplacement", repr(column.mean))
            _add_predictor(table, column.name, column.weight)
        else:
            name = f"weight of {column.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            _add_weights(derived, name, column)
            _add_predictor(table, name, 1.0)

    _add_field(dictionary, model.target, is_text=False)
    ET.SubElement(schema, "MiningField", name=_checked(model.target), usageType="target")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_field(dictionary: ET.Element, name: str, *, is_text: bool) -> None:
    kind = ("categorical", "string") if is_text else ("continuous", "double")
    ET.SubElement(dictionary, "DataField", name=_checked(name), optype=kind[0], dataType=kind[1])


def _add_predictor(table: ET.Element, name: str, weight: float) -> None:
    ET.SubElement(table, "NumericPredictor", name=name, coefficient=repr(weight))


def _add_weights(derived: ET.Element, name: str, column: CategoryInput) -> None:
    """Add the field that a level's weight is looked up in."""
    field = ET.SubElement(derived, "DerivedField", name=name, optype="continuous", dataType="double")
    lookup = ET.SubElement(
        field, "MapValues", outputColumn="weight", dataType="double", defaultValue=repr(column.average)
    )
    if column.fill:
        lookup.set("mapMissingTo", repr(column.average))
    ET.SubElement(lookup, "FieldColumnPair", field=column.name, column="level")
    rows = ET.SubElement(lookup, "InlineTable")
    for level, weight in column.weights.items():
        row = ET.SubElement(rows, "row")
        ET.SubElement(row, "level").text = _checked(level)
        ET.SubElement(row, "weight").text = repr(weight)


def _checked(text: str) -> str:
    if _NOT_XML.search(text):
        raise BadTable(
            f"`to` of 'pmml': {quoted(text)} has a character that XML cannot hold; export another format"
        )
    return text
