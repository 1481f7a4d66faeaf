"""What keeps a data directory sound: copies, exports and imports of its jobs, its examination and its repair.

Beside `outlast.app` the only place where storage and engine meet (decision 0022).
"""
