"""`python -m flowmaker` is the `flowmaker` command."""

from flowmaker.cli.main import main

if __name__ == "__main__":
    main()
