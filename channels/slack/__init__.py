"""Slack: one app for the desk where people work and, later, for customers who write in Slack."""
