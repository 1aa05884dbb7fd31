"""How long the commands that send many records wait for AWS, and how they try again."""

from botocore.config import Config

CONFIG = Config(retries={"mode": "standard"}, connect_timeout=5, read_timeout=30)
