"""Read exercises, run a student's file apart, compare its results, and find known mistakes."""
