"""Batch downloads: jobs that are queued, processed, done and in the end expired, and the files they make."""
