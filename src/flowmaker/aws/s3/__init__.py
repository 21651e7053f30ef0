"""Amazon S3: buckets and objects, for every client that speaks to the real one.

service          which operation is whose, and which parameters each of them honours
needs            what must be allowed for it
place            the bucket of a call
failures         S3's errors in S3's words
buckets, acl, configurations, policies    what is asked of buckets
uploading, reading, deleting, copying, tagging, attributes, listing    of objects
control          the tags of buckets, as S3 Control has them
parts, multipart    of objects that come in parts
checksums, conditions, ranges, headers    the rules that these share
"""
