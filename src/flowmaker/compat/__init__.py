"""KFP-1 code on today's SDK: what `flowmaker exec --kfp1` puts into the program's interpreter.

Pipelines written for KFP SDK 1.x say things that 2.x no longer understands: `kfp.aws`, `.apply`,
parameters without types, component.yaml files without types, `.zip` packages. This package says
them again in the SDK that is installed, with the meaning that they had: every value that goes
between tasks is a string, as it was. What has no equivalent is refused by its name when it is used.

Nothing here imports the rest of Flowmaker: the program's interpreter may not have it. `onpath` is
the one part that runs beside it, in the command line.
"""
