"""The server side of botocore's models: what clients write we read, what they read we write.

    models     the model of a service, loaded when it is first asked for
    request    one HTTP request, as it came
    target     which service and which bucket a request is for
    route      which operation it is
    parse      request to parameters: parse_json, parse_query, parse_xml, parse_rest, scalars
    validate   parameters against the model, in AWS's words (patterns)
    serialize  answer to response: write_json, write_xml, write_rest
    errors     AwsError to response

Four protocols: query (iam, sts), json (sagemaker, logs), rest-json (sagemaker-runtime) and
rest-xml (s3). This package alone imports botocore.
"""
