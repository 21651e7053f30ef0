"""The programs of the published SageMaker components, version 1.1.2, with their arguments.

`image` is the working directory of their image: its scripts lie where the components' commands
look for them.
"""
