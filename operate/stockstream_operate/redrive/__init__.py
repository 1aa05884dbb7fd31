"""Sending again what was set aside or given up."""
