"""Slack: one app for the desk where people work, and for customers who write in Slack."""
