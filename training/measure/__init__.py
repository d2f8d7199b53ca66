"""Scores pairs as the service would, and measures the scores: metrics, calibration, reports.

May load models and write reports. Never changes a model's weights.
"""
