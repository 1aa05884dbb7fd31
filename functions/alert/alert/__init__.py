"""The alert function: turns CloudWatch alarms into notices that people read."""
