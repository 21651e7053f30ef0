"""uv is told what pip is told."""

from pathlib import Path

from flowmaker.executors import installer


def test_nothing_configured() -> None:
    assert installer.from_pip("") == {}


def test_indexes_and_folders(tmp_path: Path) -> None:
    config = f"""
global.index-url='https://index.example/simple'
global.extra-index-url='https://a.example/simple\\nfile:///not/there file://{tmp_path}'
global.find-links='/not/there {tmp_path}'
global.trusted-host='a.example'
"""
    assert installer.from_pip(config) == {
        "UV_DEFAULT_INDEX": "https://index.example/simple",
        "UV_INDEX": f"https://a.example/simple file://{tmp_path}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INSECURE_HOST": "a.example",
    }


def test_a_variable_goes_before_a_file() -> None:
    config = (
        ":env:.index-url='https://c.example'\n"
        "install.index-url='https://b.example'\n"
        "global.index-url='https://a.example'\n"
        "a line that is none\n"
    )
    assert installer.from_pip(config) == {"UV_DEFAULT_INDEX": "https://c.example"}
