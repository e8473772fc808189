"""Formulas: R's order and coding of terms, and nothing of Python reachable through one."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.errors import BadTable
from tasks.table.terms.formula import KNOWN, date_terms, parse
from tasks.table.terms.variables import NumberVariable, PowerBasis, Standardization

HOSTILE = [
    "y ~ __import__('os').system('touch {}')",
    "y ~ {{__import__('os').system('touch {}')}}",
    "y ~ I(open('{}', 'w'))",
    "y ~ eval(\"open('{}', 'w')\")",
    "y ~ exec('import os')",
    "y ~ (lambda: open('{}', 'w'))()",
    "y ~ I((lambda: x)())",
    "y ~ I([c for c in ().__class__.__base__.__subclasses__()][0])",
    "y ~ I(x.__class__)",
    "y ~ log(x).real",
    "y ~ np.log(x)",
    "y ~ x.tofile('{}')",
    "y ~ I(x if x else x)",
    "y ~ I(x := 3)",
    "y ~ I(f'{{x}}')",
    "y ~ I(x[0])",
    "y ~ x[0]",
    "y ~ log(*x)",
    "y ~ log(x, base=2)",
    "y ~ I(x < 3)",
    "y ~ I(x @ x)",
    "y ~ I('x' * 10**9)",
    "y ~ I(True * x)",
    "y ~ I(1j * x)",
    "y ~ I(1e999 * x)",
    "y ~ I(10**400)",
    "y ~ I(x**x)",
    "y ~ log(`x`.y)",
    "y ~ `x",
    "y ~ a | b",
    "y ~ [a ~ b]",
    "y ~ a \\ b",
    "y ~ a b",
    "y ~ .",
    "y ~ 3 * a",
    "y ~ 'a'",
    "y ~ a ** b",
    "y ~ (a + b) ** 40",
    "y ~ a\0b",
    "log(y) ~ a",
    "y + z ~ a",
    "~ a",
    "y ~",
    "y ~ 1",
    "y",
    "",
    "y ~ log(month(d))",
    "y ~ C(C(x))",
    "y ~ poly(x, 2, eval(\"open('{}', 'w')\"))",
    "y ~ poly(x, [2][0])",
    "y ~ poly(x, 2.0)",
    "y ~ poly(x, 2, 3, 4)",
    "y ~ poly(x, 11)",
    "y ~ poly(x, TRUE)",
    "y ~ poly(*x)",
    "y ~ poly(x, **x)",
    "y ~ poly()",
    "y ~ poly(degree=2)",
    "y ~ poly(3, 2)",
    "y ~ poly(poly(x, 2), 2)",
    "y ~ log(scale(x))",
    "y ~ scale(x, 3)",
    "y ~ scale(x, scale=x)",
    "y ~ center(x, TRUE)",
    "y ~ bs(x, df=5)",
]
HUGE = {
    "characters": "y ~ " + "x" * 5000,
    "sums": "y ~ " + "+".join(f"a{number}" for number in range(900)),
    "products": "y ~ " + "*".join(f"a{number}" for number in range(60)),
    "powers": "y ~ (" + "+".join("abcdefghijklm") + ")**6",
    "brackets": "y ~ " + "(" * 1500 + "a" + ")" * 1500,
    "functions": "y ~ " + "log(" * 600 + "a" + ")" * 600,
    "signs": "y ~ I(" + "-" * 3000 + "a)",
    "signs in poly": "y ~ poly(" + "-" * 900 + "a, 2)",
    "signs in scale": "y ~ scale(" + "-" * 900 + "a)",
    "signs in a degree": "y ~ poly(a, " + "-" * 900 + "2)",
    "towers": "y ~ I(" + "a**2" + "**2" * 900 + ")",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_python_can_be_reached(text: str, tmp_path: Path) -> None:
    """One clear line, and nothing has happened."""
    with pytest.raises(BadTable) as caught:
        parse(text.format(tmp_path / "made"))
    assert str(caught.value).startswith("`formula`: ")
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_long_and_deep_formulas_are_refused_at_once(text: str) -> None:
    """Without a crash, and in less time than reading an ordinary one may take on a busy machine."""
    parse("y ~ a")  # loads the parser
    start = time.process_time()
    with pytest.raises(BadTable, match=r"^`formula`: "):
        parse(text)
    assert time.process_time() - start < 2


@given(st.text(st.sampled_from("yab1 ~+-*/:^()[]{}`'\"\\.,=<>%|@é\n\t") | st.characters(), max_size=40))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    """Nothing else comes out of the parser."""
    refusal = ""
    try:
        parse(f"y ~ {text}")
    except BadTable as error:
        refusal = str(error)
    assert refusal == "" or (refusal.startswith("`formula`: ") and refusal.isprintable())


def labels(text: str, categorical: Sequence[str] = ()) -> list[str]:
    terms = parse(text).terms(categorical)
    return [
        ":".join(
            terms.variables[v].label + ("*" if full else "")
            for v, full in zip(term.variables, term.full, strict=True)
        )
        for term in terms.products
    ]


# What R's `attr(terms(…), "factors")` says of each: the order of terms, and with a star where it says 2, which is
# coding by all levels: Chambers' and Hastie's rule.
R_TERMS = [
    ("y ~ a*b*c", "a b c a:b a:c b:c a:b:c"),
    ("y ~ (a+b+c)^2 - a:b", "a b c a:c b:c"),
    ("y ~ a + b %in% a", "a a*:b"),
    ("y ~ a/b", "a a*:b"),
    ("y ~ b:a + a", "a b:a*"),
    ("y ~ a:b", "a*:b*"),
    ("y ~ x + x:a", "x x:a"),
    ("y ~ x:a", "x:a*"),
    ("y ~ a + x:a", "a a*:x"),
    ("y ~ a:b + c", "c a*:b*"),
    ("y ~ a*b - a", "b a:b*"),
    ("y ~ I((x+1)^2) + log(x)", "I((x + 1) ** 2) log(x)"),
    ("y ~ x + x + x:x", "x"),
]


@pytest.mark.parametrize(("text", "expected"), R_TERMS, ids=[text for text, _ in R_TERMS])
def test_terms_have_the_order_and_coding_of_r(text: str, expected: str) -> None:
    """Terms of fewer variables first; all levels where the rest of a term stands in none before it."""
    assert " ".join(labels(text, categorical="abc")) == expected


def test_a_formula_says_what_its_columns_hold() -> None:
    """Computed columns are numbers, plain ones are what the table has."""
    found = parse("net.price ~ area * city + log(`net income`) + C(store) + month(sold) + trend(sold)")
    assert found.target == "net.price"
    assert found.columns == ("area", "city", "net income", "store", "sold")
    assert (found.plain, found.levels, found.dates) == (("area", "city"), ("store",), ("sold",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y ~ log(x) + C(x)", "the column 'x' is a number and a category; use it as one of the two"),
        ("y ~ month(d) + d", "the column 'd' is a date; write trend() of it, or year(), month(), weekday()"),
        ("y ~ a + y", "the target 'y' stands on the right of ~, too; take it out there"),
        ("y ~ a - 1", "it takes the intercept out; write it without `- 1` and `0 +`, and set `--no-bias`"),
        (
            "y ~ bs(x, df=5)",
            "'bs(x, df=5)' is a spline, of which none is known; use poly(x, 3), or log(x) or sqrt(x)",
        ),
        (
            "y ~ poly(x, 40)",
            "'poly(x, 40)' has another degree than a whole number; give one from 1 to 10, as in poly(x, 2)",
        ),
        (
            "y ~ poly(x, 2, coefs=z)",
            "'poly(x, 2, coefs=z)' calls a function with other arguments than it takes; it takes x, degree, raw",
        ),
        (
            "y ~ scale(x, scale=2)",
            "'scale(x, scale=2)' has a value of scale that is neither; write TRUE or FALSE",
        ),
        (
            "y ~ I(center(x) ** 2)",
            "'I(center(x) ** 2)' computes with what center() makes; let it be a term of its own",
        ),
        ("y ~ cos(x)", f"'cos(x)' calls a function that is not known; use {', '.join(KNOWN)}"),
    ],
)
def test_messages_say_what_to_do(text: str, message: str) -> None:
    """Each names the column or the function."""
    with pytest.raises(BadTable) as caught:
        parse(text)
    assert str(caught.value) == f"`formula`: {message}"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("poly(x,2)", "poly(x, 2)"),
        ("poly(x, degree=2, raw=True)", "poly(x, degree = 2, raw = TRUE)"),
        ("poly(log(`net price`), 3)", "poly(log(net price), 3)"),
        ("poly(I((x+1)^2), 2)", "poly(I((x + 1) ** 2), 2)"),
        ("scale(x,FALSE,TRUE)", "scale(x, FALSE, TRUE)"),
        ("center(x)", "center(x)"),
    ],
)
def test_what_is_fitted_is_named_as_in_r(text: str, label: str) -> None:
    """By the call, with R's spaces and words."""
    assert labels(f"y ~ {text}") == [label]


def test_arguments_are_matched_by_place_and_name() -> None:
    """Of R's defaults: one degree, orthogonal; centred and scaled."""
    written = [
        "poly(x)",
        "poly(x, 1, FALSE)",
        "scale(x)",
        "scale(x, scale=TRUE)",
        "scale(x, scale=False)",
        "center(x)",
    ]
    bases = [parse(f"y ~ {text}").terms(()).variables[0] for text in written]
    one, other, scaled, also, centred, too = (
        each.basis for each in bases if isinstance(each, NumberVariable)
    )
    assert (one, scaled, centred) == (other, also, too)
    assert (one, scaled) == (PowerBasis(degree=1), Standardization())
    assert centred == Standardization(scale=False)


def test_powers_stay_where_r_has_them() -> None:
    """R's ^ binds tighter than +, Python's does not."""
    by_r, by_python = (parse(f"y ~ I(2*(x+1){sign}2 + 3)").variables for sign in ("^", "**"))
    assert by_r == by_python


def test_dates_are_four_terms_each() -> None:
    """The short form of a formula."""
    assert [each.label for each in date_terms(["d"]).variables] == [
        "year(d)",
        "month(d)",
        "weekday(d)",
        "trend(d)",
    ]
    assert date_terms(["d"]) == parse("y ~ year(d) + month(d) + weekday(d) + trend(d)").terms(())
