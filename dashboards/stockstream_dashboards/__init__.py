"""The saved objects of the dashboards, made from their sources, and drawn without Dashboards."""
