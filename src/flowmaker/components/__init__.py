"""SageMaker in pipelines: the components, and the programs that run inside them.

Client code only: it talks to SageMaker through boto3, here as on AWS.
"""
