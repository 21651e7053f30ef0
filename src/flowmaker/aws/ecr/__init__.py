"""Amazon ECR: repositories, and the images in them that users registered.

There is no registry to push to or pull from: `flowmaker image add` says what an image stands for.
What it registered as `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG` is an image of the repository
NAME, which is there as long as it has an image, and for good when it was created.
"""
