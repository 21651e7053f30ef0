"""Where the statements of a policy stand in its text."""

import json

from flowmaker.aws.auth.places import Place, of_statements


def test_one_statement() -> None:
    assert of_statements('{"Statement":{"Effect":"Allow"}}') == [(Place(1, 15), Place(1, 32))]


def test_several_over_lines_with_braces_in_texts() -> None:
    text = json.dumps({"Id": "}{", "Statement": [{"a": "{"}, {"b": [2]}], "Version": "x"}, indent=4)
    assert of_statements(text) == [
        (Place(4, 10), Place(6, 10)),
        (Place(7, 10), Place(11, 10)),
    ]


def test_white_space_anywhere() -> None:
    assert of_statements('\n{ "Statement" :\n[ {} , {} ] }') == [
        (Place(3, 4), Place(3, 5)),
        (Place(3, 9), Place(3, 10)),
    ]
