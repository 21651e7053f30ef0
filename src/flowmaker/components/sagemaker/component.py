"""What the components have in common when they are compiled."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Callable

from kfp import dsl

from flowmaker.components import following

BASE_IMAGE = "python:3.11"
#: The version that the components are tested with.
PACKAGES = ["boto3==1.44.5"]


def sagemaker_component(function: Callable[..., object]) -> Callable[..., dsl.PipelineTask]:
    """The function as a component, with what it takes to follow a job embedded beside it."""
    return dsl.component(
        function,
        base_image=BASE_IMAGE,
        packages_to_install=PACKAGES,
        additional_funcs=[
            following.as_text,
            following.given,
            following.connect,
            following.clients,
            following.configuration_in_use,
            following.create_named,
            following.error_code,
            following.unique_name,
            following.start_once,
            following.new_lines,
            following.log_printer,
            following.follow,
            following.called,
            following.operation,
            following.follow_job,
            following.why_not_completed,
            following.run_job,
        ],
    )
