"""The search index and its dashboards: made, checked, filled, looked at."""
