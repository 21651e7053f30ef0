"""`flowmaker open`: the web interface in a browser, signed in."""

import argparse
import webbrowser

from flowmaker.cli import running
from flowmaker.server.data_folder import DataFolder


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--print", action="store_true", help="print the link; it holds the key of the data folder"
    )


def run(arguments: argparse.Namespace) -> int:
    from flowmaker.web.session import link  # noqa: PLC0415 - imports what only a server needs

    server = running.find(arguments.data)
    folder = DataFolder(arguments.data)
    address = link(server.url, folder.secret(folder.browser_key).decode())
    if not arguments.print and webbrowser.open(address):
        print(f"Opened {server.url}/ in the browser.")
        return 0
    print(address)
    return 0
