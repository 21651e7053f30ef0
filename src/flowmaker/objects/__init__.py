"""The S3 objects of this machine: bytes in files, and the index that knows them."""
