"""`make bench`."""

from bench import authorisation, hello_world, hosting, pipelines, s3
from bench.server import server
from flowmaker.cli.status import memory


def main() -> None:
    with server() as measured:
        print(f"`flowmaker up --detach` to ready         {measured.seconds_to_ready:8.2f} s")
        print(f"idle memory of the server                {memory(measured.pid):8.0f} MB")
        hello_world.report(measured)
        s3.report(measured)
        authorisation.report(measured)
        hosting.report(measured)
        pipelines.report(measured)


main()
