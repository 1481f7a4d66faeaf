"""Job state: checklists, their files, and what they survive."""
