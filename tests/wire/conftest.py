"""What wire tests of several AWS accounts share."""

from collections.abc import Iterator

import pytest

from tests.fakes.iam_server import IamServer, OtherAccount, iam_server


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    """A server of the AWS doors, with accounts of its own."""
    with iam_server(tmp_path_factory.mktemp("accounts")) as running:
        yield running


@pytest.fixture(scope="module")
def a(accounts: IamServer) -> OtherAccount:
    """The first account."""
    return accounts.first()


@pytest.fixture(scope="module")
def b(accounts: IamServer) -> OtherAccount:
    """An account beside it."""
    return accounts.account("b")
