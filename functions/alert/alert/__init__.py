"""The alert function: CloudWatch alarms in, notices that people read out."""
