"""`flowmaker image`: names for environments of one's own, in place of container images."""

import argparse
from pathlib import Path

from flowmaker.cli.folders import folder


def configure(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="ACTION", dest="action")
    add = actions.add_parser("add", help="register an image, or replace it")
    add.add_argument("image", metavar="NAME", help="the image as pipelines and jobs name it")
    add.add_argument("--requirements", type=Path, metavar="FILE", help="packages to install")
    add.add_argument(
        "--source",
        type=Path,
        metavar="DIR",
        help="a folder whose files are in the image's working directory; it is copied now",
    )
    add.add_argument("--python", default="", metavar="3.X", help="default: the server's own")
    add.add_argument(
        "--container",
        action="store_true",
        help="run jobs and models in the image itself, which this machine's podman or docker has",
    )
    listing = actions.add_parser("list", help="list the registered images")
    remove = actions.add_parser("remove", help="forget an image")
    remove.add_argument("image", metavar="NAME")
    for action in (add, listing, remove):
        action.add_argument(
            "--data", type=folder, default=argparse.SUPPRESS, metavar="DIR", help="the data folder"
        )


def run(arguments: argparse.Namespace) -> int:
    from flowmaker.executors.registered import RegisteredImages  # noqa: PLC0415
    from flowmaker.server.data_folder import DataFolder  # noqa: PLC0415

    images = RegisteredImages(DataFolder(arguments.data).images)
    match arguments.action:
        case "add" if arguments.container:
            engine = _container(arguments)
            images.add_container(arguments.image, engine)
            print(f"{arguments.image} is known now: a real container of {engine}")
        case "add":
            images.add(arguments.image, arguments.requirements, arguments.source, arguments.python)
            print(f"{arguments.image} is known now, also to a server that runs already")
        case "remove":
            images.remove(arguments.image)
            print(f"{arguments.image} is forgotten")
        case _:
            for image in images.all():
                if image.engine:
                    print(f"{image.name}: a real container of {image.engine}")
                    continue
                python = f"Python {image.python}" if image.python else "the server's Python"
                parts = [python, *image.requirements]
                parts += [f"files of {image.source}"] if image.source else []
                print(f"{image.name}: {', '.join(parts)}")
    return 0


def _container(arguments: argparse.Namespace) -> str:
    """The engine that has the image.

    Raises:
        InvalidInput: none has it, or more is asked for than a container can be given.
    """
    from flowmaker.errors import InvalidInput  # noqa: PLC0415
    from flowmaker.executors.containers import engine_of  # noqa: PLC0415

    for option in ("requirements", "source", "python"):
        if getattr(arguments, option):
            raise InvalidInput(f"--container has what it has: --{option} does not go with it")
    return engine_of(arguments.image)
